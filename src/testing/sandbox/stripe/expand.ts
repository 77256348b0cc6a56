import { invalidRequest } from './errors.js'
import { matched } from './search.js'
import type { StripeWorld } from './world.js'

const tableByPrefix: readonly (readonly [prefix: string, table: string])[] = [
  ['cus_', 'customers'],
  ['prod_', 'products'],
  ['price_', 'prices'],
  ['pi_', 'payment_intents'],
  ['sub_sched_', 'subscription_schedules'],
  ['sub_', 'subscriptions'],
  ['clock_', 'test_clocks'],
  ['credgr_', 'credit_grants'],
  ['in_', 'invoices'],
  ['bpc_', 'portal_configurations'],
  ['pm_', 'payment_methods'],
  ['seti_', 'setup_intents'],
  ['ch_', 'charges'],
  ['re_', 'refunds'],
  ['du_', 'disputes'],
  ['inpay_', 'invoice_payments'],
  ['ii_', 'invoice_items'],
  ['di_', 'discounts'],
  ['promo_', 'promotion_codes'],
  ['txn_', 'balance_transactions'],
]

/** Properties that name another object, wherever they stand. */
const expandable = new Set([
  'account',
  'account_tax_ids',
  'application',
  'application_fee',
  'balance_transaction',
  'charge',
  'configuration',
  'coupon',
  'credit_grant',
  'customer',
  'default_payment_method',
  'default_price',
  'default_source',
  'destination',
  'discount',
  'discounts',
  'failure_balance_transaction',
  'invoice',
  'latest_attempt',
  'latest_charge',
  'latest_invoice',
  'latest_revision',
  'mandate',
  'on_behalf_of',
  'payment_intent',
  'payment_link',
  'payment_method',
  'payment_record',
  'pending_setup_intent',
  'price',
  'product',
  'promotion_code',
  'review',
  'schedule',
  'setup_intent',
  'single_use_mandate',
  'source',
  'source_transfer',
  'source_transfer_reversal',
  'subscription',
  'tax_code',
  'test_clock',
  'transfer',
  'transfer_reversal',
])

const deepest = 4

/** Puts whole objects where `expand` asks for them. */
export function expand(world: StripeWorld, body: unknown, paths: readonly string[]): unknown {
  return paths.reduce((expanded, path) => {
    const names = path.split('.')
    if (names.length > deepest) {
      throw invalidRequest(`You cannot expand more than ${deepest} levels of a property (${path}).`, {
        param: 'expand',
      })
    }
    return expandPath(world, expanded, names, path)
  }, body)
}

function expandPath(world: StripeWorld, value: unknown, [name, ...rest]: readonly string[], path: string): unknown {
  if (name === undefined || value === null) return value
  if (Array.isArray(value)) return value.map((item) => expandPath(world, item, [name, ...rest], path))
  if (typeof value !== 'object') return value
  const object = value as Readonly<Record<string, unknown>>
  const shown = name in object
  const inside = shown ? object[name] : included(world, object, name)
  if (inside === undefined || (shown && !isExpandable(name, inside, rest.length === 0)))
    throw cannotExpand(object, path)
  const wholeOf = (part: unknown) => (typeof part === 'string' ? (find(world, part, name) ?? part) : part)
  const whole = Array.isArray(inside) ? inside.map(wholeOf) : wholeOf(inside)
  return { ...object, [name]: expandPath(world, whole, rest, path) }
}

/** What is shown in full already may be asked for; a hash on the way may be stepped through. */
function isExpandable(name: string, inside: unknown, last: boolean): boolean {
  if (expandable.has(name)) return true
  if (Array.isArray(inside)) return !last && inside.every((part) => typeof part === 'object')
  if (typeof inside !== 'object' || inside === null) return false
  return !last || 'object' in inside
}

function cannotExpand(object: Readonly<Record<string, unknown>>, path: string): Error {
  const hint = object.object === 'list' ? ` You may want to try expanding 'data.${path}' instead.` : ''
  return invalidRequest(`This property cannot be expanded (${path}).${hint}`, { param: 'expand' })
}

/** Parts that are left out unless asked for. */
function included(world: StripeWorld, object: Readonly<Record<string, unknown>>, name: string): unknown {
  const { id } = object
  if (object.object === 'invoice' && name === 'payments') return paymentsOf(world, String(id))
  if (object.object === 'invoice' && name === 'confirmation_secret') return confirmationSecret(world, String(id))
  if (object.object === 'charge' && name === 'refunds') return refundsOf(world, String(id))
  if (object.object === 'search_result' && name === 'total_count')
    return (object as { readonly [matched]?: number })[matched]
  if (object.object !== 'checkout.session' || name !== 'line_items') return undefined
  const data = world.journal.table<{ readonly items: unknown }>('stripe.line_items').get(String(object.id))?.items ?? []
  return { object: 'list', url: `/v1/checkout/sessions/${String(object.id)}/line_items`, has_more: false, data }
}

function paymentsOf(world: StripeWorld, invoice: string) {
  const data = rows<{ readonly invoice: string }>(world, 'invoice_payments').filter((each) => each.invoice === invoice)
  return { object: 'list', url: `/v1/invoice_payments?invoice=${invoice}`, has_more: false, data: data.reverse() }
}

/** What lets a page confirm the payment of an open invoice. */
function confirmationSecret(world: StripeWorld, invoice: string) {
  const payments = rows<{ readonly invoice: string; readonly payment: { readonly payment_intent: string } }>(
    world,
    'invoice_payments',
  )
  const intent = payments.findLast((each) => each.invoice === invoice)?.payment.payment_intent ?? ''
  const secret = world.journal.table<{ readonly client_secret: string }>('stripe.payment_intents').get(intent)
  return secret === undefined ? null : { client_secret: secret.client_secret, type: 'payment_intent' }
}

function refundsOf(world: StripeWorld, charge: string) {
  const data = rows<{ readonly charge: string }>(world, 'refunds').filter((each) => each.charge === charge)
  return { object: 'list', url: `/v1/charges/${charge}/refunds`, has_more: false, data: data.reverse() }
}

function rows<Row>(world: StripeWorld, table: string): Row[] {
  return [...world.journal.table<Row>(`stripe.${table}`).values()]
}

function find(world: StripeWorld, id: string, name: string): unknown {
  // The id of a coupon is whatever it was given.
  if (name === 'coupon') return world.journal.table<unknown>('stripe.coupons').get(id)
  const table = tableByPrefix.find(([prefix]) => id.startsWith(prefix))?.[1]
  return table === undefined ? undefined : world.journal.table<unknown>(`stripe.${table}`).get(id)
}
