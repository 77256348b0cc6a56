'use client'

import { BillingProvider } from 'billfold/react'
import type { ReactNode } from 'react'

/** What people call the meters. */
const names = { ai_tokens: 'AI tokens', pictures: 'Pictures' }

/** Language and zone are said, so that the server writes numbers and moments as the browser does. In your app: the user's. */
export function BillingArea({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <BillingProvider locale="en-US" timeZone="UTC" names={names}>
      {children}
    </BillingProvider>
  )
}
