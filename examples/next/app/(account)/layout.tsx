import type { ReactNode } from 'react'
import { parrot } from '@/server/parrot'
import { requireSession } from '@/server/session'
import { BillingArea } from './billing-area'
import { Navigation } from './navigation'

export default async function AccountLayout({ children }: { readonly children: ReactNode }): Promise<ReactNode> {
  const { accountId, email } = await requireSession()
  const { consoleUrl } = await parrot()
  return (
    <>
      {consoleUrl !== null && (
        <p className="banner">
          Sandbox: no money moves. <a href={consoleUrl}>See what Stripe saw</a>
        </p>
      )}
      <Navigation email={email} />
      <main className="page">
        {/* Another account begins with an empty cache. */}
        <BillingArea key={accountId}>{children}</BillingArea>
      </main>
    </>
  )
}
