import type { components } from './contract.js'
import { serverSentEvents } from './event-stream.js'
import { BillingProblem } from './problem.js'
import {
  type Answer,
  type Asked,
  type BillingClientOptions,
  createRequester,
  type PathWith,
  type RequestOptions,
} from './request.js'

type Schemas = components['schemas']

/** A page of a list, and the cursor that the next one is asked for with. */
export interface Page<Item> {
  readonly items: readonly Item[]
  readonly next: string | null
}

/** What changed: `balance`, `invoice`, `payment`, `subscription`, `quota`, …, or `reset` where everything is read anew. */
export interface AccountChanged {
  readonly kind: string
  readonly data: unknown
}

/** Where hosted pages lead back to; the server's own setting where they are not given. */
export interface ReturnAddresses {
  readonly success_url?: string
  readonly cancel_url?: string
}

/** How a list is asked for. */
export type ListQuery<P extends PathWith<'get'>> =
  Asked<'get', P> extends { readonly query?: infer Query } ? NonNullable<Query> : never

/** A typed client of the routes of `billfold/http`; runs in browsers and on servers, and needs nothing but `fetch`. */
export type BillingClient = ReturnType<typeof clientOf> & {
  /** The same client for another account. */
  for(organizationId: string): BillingClient
}

/**
 * Makes a client of the routes of `billfold/http`.
 *
 * Every method rejects with a `BillingProblem` when it is refused, fails or is not answered. Amounts of money are numbers as they are on
 * the wire, Sparks and quantities decimal text; moments are ISO 8601.
 *
 * @example const { credits } = await createBillingClient({ baseUrl: '/api/billing' }).credits.balance()
 */
export function createBillingClient(options: BillingClientOptions = {}): BillingClient {
  return { ...clientOf(options), for: (organizationId) => createBillingClient({ ...options, organizationId }) }
}

function clientOf(options: BillingClientOptions) {
  const { json, raw } = createRequester(options)
  const signalOf = (signal?: AbortSignal) => (signal ? { signal } : {})
  return {
    /** The account that is asked about; `own` for the caller's. A cache keeps answers under it. */
    accountId: options.organizationId ?? 'own',

    /** The account; made when it is asked for the first time. */
    account: (signal?: AbortSignal) => json('get', '/account', {}, signalOf(signal)),
    /** The publishable key for forms of the payment provider. */
    config: (signal?: AbortSignal) => json('get', '/config', {}, signalOf(signal)),
    /** Plans and meters of the catalog, and the price of a Spark. */
    plans: (signal?: AbortSignal) => json('get', '/plans', {}, signalOf(signal)),
    /** The page of the provider on which an account is managed. */
    portal: (query: { readonly return_url?: string } = {}) => json('get', '/portal', { query }),

    subscription: {
      get: (signal?: AbortSignal) => json('get', '/subscription', {}, signalOf(signal)),
      /** What a change would charge now; nothing is changed. */
      preview: (body: Schemas['PreviewSubscriptionChangeRequest'], signal?: AbortSignal) =>
        json('post', '/subscription/preview', { body }, signalOf(signal)),
      change: (body: Schemas['ChangeSubscriptionRequest'], given: RequestOptions) =>
        json('post', '/subscription/change', { body }, given),
      cancel: (body: Schemas['CancelSubscriptionRequest'] = {}, given: RequestOptions = {}) =>
        json('post', '/subscription/cancel', { body }, given),
      reactivate: (given: RequestOptions = {}) => json('post', '/subscription/reactivate', { body: {} }, given),
    },

    checkout: {
      /** A page on which something is paid for, or a payment method is given. */
      create: (body: Schemas['CheckoutRequest'], given: RequestOptions = {}) =>
        json('post', '/checkout', { body }, given),
      /** How it stands; what was paid for is given, if it was not yet. */
      verify: (checkout_id: string, signal?: AbortSignal) =>
        json('get', '/checkout/{checkout_id}', { path: { checkout_id } }, signalOf(signal)),
    },

    paymentMethods: {
      list: (signal?: AbortSignal) => json('get', '/payment-methods', {}, signalOf(signal)),
      /** The kinds on offer. */
      available: (query: ListQuery<'/payment-methods/available'> = {}, signal?: AbortSignal) =>
        json('get', '/payment-methods/available', { query }, signalOf(signal)),
      attach: (body: Schemas['AttachPaymentMethodRequest'], given: RequestOptions = {}) =>
        json('post', '/payment-methods', { body }, given),
      setDefault: (payment_method_id: string, given: RequestOptions = {}) =>
        json(
          'post',
          '/payment-methods/{payment_method_id}/set_default',
          { path: { payment_method_id }, body: {} },
          given,
        ),
      remove: (payment_method_id: string, given: RequestOptions = {}) =>
        json('delete', '/payment-methods/{payment_method_id}', { path: { payment_method_id } }, given),
    },

    invoices: {
      list: async (query: ListQuery<'/invoices'> = {}, signal?: AbortSignal) =>
        pageOf(await json('get', '/invoices', { query }, signalOf(signal))),
      get: (invoice_id: string, signal?: AbortSignal) =>
        json('get', '/invoices/{invoice_id}', { path: { invoice_id } }, signalOf(signal)),
      pay: (invoice_id: string, body: Schemas['PayInvoiceRequest'] = {}, given: RequestOptions = {}) =>
        json('post', '/invoices/{invoice_id}/pay', { path: { invoice_id }, body }, given),
      /** An invoice of everything that waits, or `null`. */
      generate: (body: Schemas['GenerateInvoiceRequest'], given: RequestOptions) =>
        json('post', '/invoices/generate', { body }, given),
      pdf: async (invoice_id: string, signal?: AbortSignal) => {
        const path = { invoice_id }
        return (await raw('get', '/invoices/{invoice_id}/download_pdf', { path }, signalOf(signal))).blob()
      },
    },

    usage: {
      list: async (query: ListQuery<'/credits/usage'> = {}, signal?: AbortSignal) =>
        pageOf(await json('get', '/credits/usage', { query }, signalOf(signal))),
      /** Sums and a series of each meter; this month where no days are given. */
      dashboard: (query: ListQuery<'/usage'> = {}, signal?: AbortSignal) =>
        json('get', '/usage', { query }, signalOf(signal)),
      /** What plan and budgets allow, and how much of it is used. */
      limits: (signal?: AbortSignal) => json('get', '/credits/usage/limits', {}, signalOf(signal)),
    },

    /** How usage, or another change of the balance, came about: counts, prices, margin, rounding, and who paid. */
    explain: (id: string, signal?: AbortSignal) =>
      json('get', '/explanations/{id}', { path: { id } }, signalOf(signal)),

    costs: {
      list: async (query: ListQuery<'/costs'> = {}, signal?: AbortSignal) =>
        pageOf(await json('get', '/costs', { query }, signalOf(signal))),
      summary: (query: ListQuery<'/costs/summary'> = {}, signal?: AbortSignal) =>
        json('get', '/costs/summary', { query }, signalOf(signal)),
      /** Recorded costs as CSV. */
      csv: async (query: ListQuery<'/costs/export'> = {}, signal?: AbortSignal) =>
        (await raw('get', '/costs/export', { query }, signalOf(signal))).blob(),
    },

    credits: {
      balance: (signal?: AbortSignal) => json('get', '/credits/balance', {}, signalOf(signal)),
      transactions: async (query: ListQuery<'/credits/transactions'> = {}, signal?: AbortSignal) =>
        pageOf(await json('get', '/credits/transactions', { query }, signalOf(signal))),
      packages: (signal?: AbortSignal) => json('get', '/credit-packages', {}, signalOf(signal)),
    },

    apiKeys: {
      list: async (query: ListQuery<'/api-keys'> = {}, signal?: AbortSignal) =>
        pageOf(await json('get', '/api-keys', { query }, signalOf(signal))),
      issue: (body: Schemas['IssueApiKeyRequest'], given: RequestOptions) => json('post', '/api-keys', { body }, given),
      rotate: (key_id: string, body: Schemas['RotateApiKeyRequest'], given: RequestOptions) =>
        json('post', '/api-keys/{key_id}/rotate', { path: { key_id }, body }, given),
      revoke: (key_id: string, given: RequestOptions = {}) =>
        json('delete', '/api-keys/{key_id}', { path: { key_id } }, given),
    },

    /**
     * What changes of the account, as it changes; comes again by itself after an interruption, from where it was, until `signal` ends it.
     *
     * @throws BillingProblem that no waiting mends: nobody is signed in, or may look
     */
    async *changes(signal: AbortSignal): AsyncGenerator<AccountChanged, void, void> {
      let last: string | null = null
      for (let failures = 0; !signal.aborted; failures += 1) {
        try {
          const headers = { accept: 'text/event-stream', ...(last === null ? {} : { 'last-event-id': last }) }
          const { body } = await raw('get', '/events', {}, { signal, headers })
          if (!body) return
          for await (const { id, event, data } of serverSentEvents(body)) {
            failures = 0
            if (id !== null) last = id
            yield { kind: event, data: JSON.parse(data) as unknown }
          }
        } catch (error) {
          if (signal.aborted) return
          if (BillingProblem.is(error) && error.code === 'invalid_cursor') last = null
          else if (BillingProblem.is(error) && !error.retryable) throw error
        }
        await pause(Math.min(30_000, 1_000 * 2 ** failures), signal)
      }
    },
  }
}

/** A list of the wire: its next page is an address, of which the cursor is what is asked for. */
function pageOf<Item>({
  results,
  next,
}: {
  readonly results: readonly Item[]
  readonly next: string | null
}): Page<Item> {
  return { items: results, next: next === null ? null : new URL(next, 'http://page').searchParams.get('cursor') }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}

/** Of S4, as it is on the wire. */
export type BillingAccount = Answer<'get', '/account'>
/** Of S4. */
export type StripeConfig = Schemas['StripeConfig']
/** Of S4. */
export type Subscription = Schemas['Subscription']
/** What a change of the subscription would charge now. */
export type PreviewedChange = Schemas['PreviewedSubscriptionChange']
/** What the catalog sells. */
export type PriceList = Schemas['PriceList']
/** One plan of it. */
export type Plan = Schemas['Plan']
/** Of S4; never a number. */
export type PaymentMethod = Schemas['PaymentMethod']
/** Of S4. */
export type Invoice = Schemas['Invoice']
/** A line of an invoice. */
export type InvoiceLine = Schemas['LineItem']
/** Of S4: recorded usage. */
export type UsageRecord = Schemas['UsageRecord']
/** How usage, or another change of the balance, came about. */
export type Explanation = UsageExplanation | TransactionExplanation | GrantExplanation
/** How usage came about: counts × prices, margin, rounding, and who paid. */
export type UsageExplanation = Schemas['UsageExplanation']
/** Where credits came from, and where they went. */
export type GrantExplanation = Schemas['GrantExplanation']
/** How another change of the balance came about. */
export type TransactionExplanation = Schemas['TransactionExplanation']
/** What each meter was used, and what is left. */
export type UsageDashboard = Schemas['UsageDashboard']
/** What plan and budgets allow. */
export type UsageLimits = Schemas['UsageLimits']
/** Of S4: what usage cost before margin. */
export type CostSummary = Schemas['CostSummary']
/** Of S4. */
export type CostRecord = Schemas['CostRecord']
/** What there is to spend, in Sparks. */
export type CreditBalance = Schemas['CreditBalance']
/** Credits of one origin that are not spent. */
export type CreditGrant = Schemas['CreditGrant']
/** A change of the balance. */
export type CreditTransaction = Schemas['CreditTransaction']
/** Credits on sale. */
export type CreditPackage = Schemas['CreditPackage']
/** How a checkout stands. */
export type VerifiedCheckout = Schemas['VerifiedCheckout']
/** What a checkout is for. */
export type CheckoutRequest = Schemas['CheckoutRequest']
/** A key of the account, without what opens it. */
export type ApiKey = Schemas['ApiKey']
/** A key with its secret, which is told once. */
export type IssuedApiKey = Schemas['IssuedApiKey']
