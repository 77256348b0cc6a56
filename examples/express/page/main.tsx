import {
  ApiKeysPanel,
  BillingOverview,
  BillingProvider,
  CheckoutCanceled,
  CheckoutResult,
  CreditBalance,
  InvoiceList,
  LedgerList,
  PricingTable,
  UsageCard,
  UsageRecordList,
  UsageTimeline,
} from 'billfold/react'
import type { ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { Navigation } from './navigation.js'
import { Tasks } from './tasks.js'

/** What people call the meters. */
const names = { ai_tokens: 'AI tokens' }

const meters = Object.keys(names)

const toPlans = () => location.assign('/settings/plans')

const pages: Readonly<Record<string, () => ReactNode>> = {
  '/playground': () => (
    <>
      <h1>Playground</h1>
      <Tasks />
      <div className="billfold-grid">
        <UsageCard meters={meters} onUpgrade={toPlans} />
        <CreditBalance />
      </div>
      <ApiKeysPanel />
    </>
  ),
  '/settings/billing': () => <BillingOverview meters={meters} onChangePlan={toPlans} />,
  '/settings/usage': () => (
    <>
      <h1>Usage</h1>
      <UsageCard meters={meters} onUpgrade={toPlans} />
      <UsageTimeline />
      <UsageRecordList />
    </>
  ),
  '/settings/plans': () => (
    <>
      <h1>Plans</h1>
      <PricingTable />
    </>
  ),
  '/settings/invoices': () => (
    <>
      <h1>Invoices</h1>
      <InvoiceList />
      <LedgerList />
    </>
  ),
  // Stripe leads back to these. How it stands is asked there: the address alone proves nothing.
  '/billing/success': () => <CheckoutResult backUrl="/playground" {...checkout()} />,
  '/billing/cancel': () => <CheckoutCanceled backUrl="/settings/billing" />,
}

function checkout() {
  const checkoutId = new URLSearchParams(location.search).get('checkout')
  return checkoutId === null ? {} : { checkoutId }
}

const root = document.querySelector<HTMLElement>('#root')
if (!root) throw new Error('There is no #root to draw into.')
const { email = '', console: consoleUrl } = root.dataset
createRoot(root).render(
  <>
    {consoleUrl !== undefined && (
      <p className="banner">
        Sandbox: no money moves. <a href={consoleUrl}>See what Stripe saw</a>
      </p>
    )}
    <Navigation email={email} />
    <main className="page">
      <BillingProvider locale="en-US" names={names}>
        {pages[location.pathname]?.()}
      </BillingProvider>
    </main>
  </>,
)
