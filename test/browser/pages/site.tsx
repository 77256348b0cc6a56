import { QueryClient } from '@tanstack/react-query'
import {
  ApiKeysPanel,
  BillingOverview,
  BillingProvider,
  CheckoutCanceled,
  CheckoutResult,
  CostBreakdown,
  CreditBalance,
  InvoiceList,
  LedgerList,
  type LoadStripe,
  PaymentMethodList,
  PricingTable,
  SubscriptionCard,
  UsageCard,
  UsageRecordList,
  UsageTimeline,
} from 'billfold/react'
import { type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'

const views: Readonly<Record<string, () => ReactNode>> = {
  overview: () => <BillingOverview />,
  subscription: () => <SubscriptionCard onChangePlan={() => {}} />,
  usage: () => (
    <>
      <UsageCard meters={['ai_tokens', 'workflows', 'agents', 'storage_gb']} onUpgrade={() => {}} />
      <UsageTimeline />
      <UsageRecordList />
    </>
  ),
  records: () => <UsageRecordList pageSize={100} />,
  plans: () => <PricingTable onContact={() => {}} />,
  methods: () => <PaymentMethodList />,
  invoices: () => <InvoiceList canGenerate />,
  costs: () => <CostBreakdown initialView="byDay" />,
  credits: () => (
    <>
      <CreditBalance />
      <LedgerList />
    </>
  ),
  keys: () => <ApiKeysPanel />,
  success: () => <CheckoutResult backUrl="/?view=overview" />,
  cancel: () => <CheckoutCanceled backUrl="/?view=overview" />,
}

const asked = new URLSearchParams(location.search)
// Over a checkout the address is left and come back to.
const account = asked.get('account') ?? sessionStorage.getItem('account') ?? 'nobody'
sessionStorage.setItem('account', account)
const view = views[asked.get('view') ?? 'overview']
const stripeJs = asked.get('stripe-js')

const loadStripe: LoadStripe = async (publishableKey) => {
  const script = document.createElement('script')
  script.src = stripeJs ?? ''
  await new Promise((resolve, reject) => {
    script.onload = resolve
    script.onerror = () => reject(new Error('Stripe.js could not be loaded.'))
    document.head.append(script)
  })
  return (window as unknown as { Stripe: (key: string) => unknown }).Stripe(publishableKey)
}

const german = {
  'credits.title': 'Guthaben',
  'credits.buy': 'Guthaben kaufen',
  'overview.title': 'Abrechnung',
  'usage.title': 'Nutzungsübersicht',
  'subscription.title': 'Abonnement',
  'subscription.change': 'Abonnementeinstellungen ändern',
  'methods.title': 'Zahlungsmethoden',
  'methods.add': 'Zahlungsmethode hinzufügen',
}
const arabic = {
  'overview.title': 'الفوترة',
  'subscription.title': 'الخطة',
  'subscription.change': 'تغيير الخطة',
  'credits.title': 'الرصيد',
  'credits.buy': 'شراء رصيد',
  'credits.available': 'المتبقي {credits} سبارك',
  'usage.title': 'الاستخدام',
  'methods.title': 'طرق الدفع',
  'methods.add': 'إضافة طريقة دفع',
  'invoices.title': 'الفواتير',
  'costs.title': 'التكاليف',
  'plans.title': 'الخطط',
}
const locale = asked.get('locale') ?? 'en-US'
const messages = locale.startsWith('ar') ? arabic : locale.startsWith('de') ? german : undefined
const theme = asked.get('theme') as 'light' | 'dark' | null
if (theme) document.documentElement.style.colorScheme = theme
document.documentElement.dir = locale.startsWith('ar') ? 'rtl' : 'ltr'
document.documentElement.lang = locale

/** The cache, for tests to look into. */
const queryClient = new QueryClient()
Object.assign(window, { queryClient })

const headers = { authorization: `Bearer ${account}` }
const isReader = account.endsWith(':read')
const names = { ai_tokens: 'AI tokens', storage_gb: 'Storage (GB)', sso: 'Single sign-on' }

createRoot(document.querySelector('#root') as HTMLElement).render(
  <StrictMode>
    <BillingProvider
      client={{ baseUrl: '/api/billing', headers }}
      queryClient={queryClient}
      locale={locale}
      timeZone="UTC"
      names={names}
      live={asked.get('live') !== 'off'}
      access={{ pay: !isReader, manage: !isReader }}
      {...(messages ? { messages } : {})}
      {...(stripeJs ? { loadStripe } : {})}
    >
      {view?.()}
    </BillingProvider>
  </StrictMode>,
)
