import { BillingProvider, CheckoutResult } from 'billfold/react'
import type { ReactNode } from 'react'

/** A page that a server draws, and a browser takes over. */
export function Hydrated(): ReactNode {
  return (
    <BillingProvider locale="en-US" timeZone="UTC" live={false}>
      <CheckoutResult backUrl="/" />
    </BillingProvider>
  )
}
