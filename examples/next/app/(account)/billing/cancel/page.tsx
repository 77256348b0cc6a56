import { CheckoutCanceled } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'

export const metadata: Metadata = { title: 'Payment canceled' }

export default function CancelPage(): ReactNode {
  return <CheckoutCanceled backUrl="/settings/billing" />
}
