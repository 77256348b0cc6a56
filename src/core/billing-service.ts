import type { Catalog, MeterName } from './catalog.js'
import { type BillingConfig, type Environment, type ProviderRoles, resolveRedirects, resolveRoles } from './config.js'
import { createConsumers, type EventHandler } from './consumers.js'
import { type BillingContext, createIds } from './context.js'
import { tracingDestination } from './delivery/tracing.js'
import { type BillingEventType, billingEventTypes } from './domain/event.js'
import { BillingError } from './errors.js'
import { createLane } from './lane.js'
import { type Account, type EnsureAccountInput, ensureAccount, getAccount } from './operations/accounts.js'
import { type Authorization, type AuthorizeInput, authorize } from './operations/authorize.js'
import {
  type CreateCheckoutInput,
  type CreatedCheckout,
  createCheckout,
  type VerifiedCheckout,
  verifyCheckout,
} from './operations/checkout.js'
import {
  type CreditBalance,
  type CreditTransaction,
  type GrantCreditsInput,
  type GrantedCredits,
  getBalance,
  grantCredits,
  listTransactions,
} from './operations/credits.js'
import {
  type Captured,
  type CaptureInput,
  capture,
  type HoldInput,
  type HoldView,
  hold,
  release,
} from './operations/holds.js'
import { createPortal } from './operations/portal.js'
import type { QuotaView } from './operations/quota-view.js'
import { getQuota } from './operations/quotas.js'
import { flush, type SyncReport, type SyncStatus, syncStatus } from './operations/sync.js'
import {
  type BatchItem,
  getUsage,
  type RecordedUsage,
  type RecordUsageInput,
  recordUsage,
  recordUsageBatch,
} from './operations/usage.js'
import { summarizeUsage, type UsageSummary } from './operations/usage-summary.js'
import { type HandledWebhook, handleWebhook, type WebhookInput } from './operations/webhooks.js'
import type { Store } from './ports/store.js'
import { createWorker } from './worker.js'

/** What every app has, whatever its providers. */
export interface BillingCore<C extends Catalog = Catalog> {
  readonly accounts: {
    /** Gets the account, or makes it on the catalog's default plan. An e-mail or name given here replaces the one before. */
    ensure(input: EnsureAccountInput): Promise<Account & { readonly created: boolean }>
    /** The account. @throws BillingError `not_found` */
    get(input: { readonly accountId: string }): Promise<Account>
  }
  /**
   * Records one fact of consumption: rates it, debits it, counts it, and queues it for the providers, in one durable step.
   * Idempotent by `idempotencyKey`. By default nothing refuses it: what nothing covers is debt.
   */
  recordUsage(input: RecordUsageInput<C>): Promise<RecordedUsage>
  /** Records up to 1,000 events; one malformed event fails the call before anything is written, otherwise each has a result of its own, in order. */
  recordUsageBatch(input: { readonly events: readonly RecordUsageInput<C>[] }): Promise<readonly BatchItem[]>
  /** Asks whether usage would be let through, reserving nothing; a refusal names its remedies. */
  authorize(input: AuthorizeInput<C>): Promise<Authorization>
  /** Reserves credits before work begins, so that it cannot overspend; ends by `capture`, `release` or expiry. */
  hold(input: HoldInput<C>): Promise<HoldView>
  /** Takes all or part of a hold and gives back the rest; on a meter, what was really used is recorded as usage. */
  capture(input: CaptureInput): Promise<Captured>
  /** Gives a hold back. */
  release(input: {
    readonly accountId: string
    readonly holdId: string
    readonly idempotencyKey: string
  }): Promise<HoldView>
  /** Where an account stands on a meter in its current period. */
  getQuota(input: { readonly accountId: string; readonly meter: MeterName<C> }): Promise<QuotaView>
  readonly credits: {
    /** What an account has, in micro-sparks, with its open grants in the order they burn. */
    balance(input: { readonly accountId: string }): Promise<CreditBalance>
    /** Gives credits; what the account owes is paid first. */
    grant(input: GrantCreditsInput): Promise<GrantedCredits>
    /** Every change of the balance, newest first, a page at a time. */
    transactions(input: {
      readonly accountId: string
      readonly limit?: number
      readonly cursor?: string
    }): Promise<{ readonly items: readonly CreditTransaction[]; readonly nextCursor: string | null }>
  }
  readonly usage: {
    /** One recorded event, with how its deliveries stand now. */
    get(input: { readonly accountId: string; readonly id: string }): Promise<RecordedUsage>
    /** Sums over whole UTC days by meter, model and day; default this month until now. */
    summary(input: { readonly accountId: string; readonly from?: string; readonly to?: string }): Promise<UsageSummary>
  }
  readonly sync: {
    /**
     * Delivers and applies in the background until the service is closed or the signal says stop. With a signal it keeps the process
     * alive until then, for processes that do nothing else; without one it does not.
     */
    run(options?: { readonly signal?: AbortSignal }): Promise<void>
    /** Does what is due now, for tests and for hosts that end after a response. */
    flush(options?: { readonly timeoutMs?: number }): Promise<SyncReport>
    /** How many deliveries and webhook events wait, and how many were given up. */
    status(): Promise<SyncStatus>
  }
  /** Registers a durable consumer: each event from now on is handed to each consumer at least once. */
  on(consumer: string, type: BillingEventType, handler: EventHandler): void
  /** Stops the worker, waits for what was taken on, and closes the store. */
  close(): Promise<void>
}

/** What apps with a checkout provider have. */
export interface CheckoutVerbs<C extends Catalog = Catalog> {
  /** Creates a hosted page to pay on; a double click gives one page. */
  createCheckout(input: CreateCheckoutInput<C>): Promise<CreatedCheckout>
  /** The true status of a checkout, read from the provider; gives what was paid for, once. */
  verifyCheckout(
    input:
      | { readonly accountId: string; readonly checkoutId: string }
      | { readonly accountId: string; readonly sessionId: string },
  ): Promise<VerifiedCheckout>
}

/** What apps with a portal provider have. */
export interface PortalVerbs {
  /** Creates a hosted page on which the customer manages payment methods and subscriptions. */
  createPortal(input: { readonly accountId: string; readonly returnUrl: string }): Promise<{ readonly url: string }>
}

/** What apps with any provider have. */
export interface WebhookVerbs {
  readonly webhooks: {
    /** Takes a webhook: checked on its raw bytes, stored once, then acknowledged; its effect follows. */
    handle(providerId: string, input: WebhookInput): Promise<HandledWebhook>
  }
}

type Plays<R extends ProviderRoles, Role extends 'checkout' | 'portal' | 'webhooks'> = R extends
  | { readonly default: { readonly [K in Role]: object } }
  | { readonly [K in Role]: object }
  ? true
  : false

/** The service: what the roles make possible, and nothing else compiles. */
export type BillingService<R extends ProviderRoles = ProviderRoles, C extends Catalog = Catalog> = BillingCore<C> &
  (Plays<R, 'checkout'> extends true ? CheckoutVerbs<C> : unknown) &
  (Plays<R, 'portal'> extends true ? PortalVerbs : unknown) &
  (keyof R extends never ? unknown : WebhookVerbs)

/**
 * Wires a catalog, a store and providers to the verbs of billing.
 *
 * @throws BillingError `config_invalid`
 * @example const billing = createBilling({ catalog, store: memoryStore(), providers: { default: stripe } })
 */
// biome-ignore lint/complexity/noBannedTypes: `{}` is the absence of providers, which makes their verbs absent too
export function createBilling<const R extends ProviderRoles = {}, C extends Catalog = Catalog>(
  config: BillingConfig<R, C>,
): BillingService<R, C> {
  const environment = steady({
    now: () => globalThis.Date.now(),
    randomBytes: (bytes) => globalThis.crypto.getRandomValues(bytes),
    // biome-ignore lint/suspicious/noConsole: money that goes astray in the background must be seen by somebody
    onError: (error, where) => globalThis.console.error(`billfold: ${where}:`, error),
    ...config.environment,
  })
  const roles = resolveRoles(config.providers ?? {})
  const ready = once(() => config.store.migrate())
  const subscriptions: (() => Promise<void>)[] = []
  const store = afterReady(config.store, async () => {
    await ready()
    await Promise.all(subscriptions.map((subscribed) => subscribed()))
  })
  const rules = {
    catalog: config.catalog,
    metering: roles.metering.map(({ id }) => id),
    tracing: roles.tracing.map(({ id }) => tracingDestination(id)),
    collecting: roles.metering[0]?.id ?? null,
  }
  const worker = createWorker(() => ctx)
  const ctx: BillingContext = {
    catalog: config.catalog,
    rules,
    store,
    ledger: createLane({
      commit: (commands) => store.ledger.commit(commands, rules),
      maximumBatch: store.maximumBatch,
    }),
    roles,
    origins: resolveRedirects(config),
    environment,
    consumers: createConsumers(),
    newId: createIds(environment),
    lifetime: worker.lifetime,
    wake: () => worker.wake(),
  }

  const core: BillingCore<C> = {
    accounts: { ensure: (input) => ensureAccount(ctx, input), get: (input) => getAccount(ctx, input) },
    recordUsage: (input) => recordUsage(ctx, input),
    recordUsageBatch: (input) => recordUsageBatch(ctx, input),
    authorize: (input) => authorize(ctx, input),
    hold: (input) => hold(ctx, input),
    capture: (input) => capture(ctx, input),
    release: (input) => release(ctx, input),
    getQuota: (input) => getQuota<C>(ctx, input),
    credits: {
      balance: (input) => getBalance(ctx, input),
      grant: (input) => grantCredits(ctx, input),
      transactions: (input) => listTransactions(ctx, input),
    },
    usage: { get: (input) => getUsage(ctx, input), summary: (input) => summarizeUsage(ctx, input) },
    sync: {
      run: (options) => worker.run(options?.signal),
      flush: (options) => flush(ctx, options),
      status: () => syncStatus(ctx),
    },
    on(consumer, type, handler) {
      if (
        typeof consumer !== 'string' ||
        !/^[a-z][a-z0-9_-]{0,59}$/.test(consumer) ||
        !billingEventTypes.includes(type)
      ) {
        throw new BillingError(
          'config_invalid',
          `on(${String(consumer)}, ${String(type)}): not a consumer name or event type.`,
        )
      }
      ctx.consumers.add(consumer, type, handler)
      const subscribed = once(async () => {
        await ready()
        await config.store.outbox.subscribe(consumer, [type])
      })
      subscriptions.push(subscribed)
      subscribed().catch((error: unknown) => environment.onError(error, `consumer ${consumer}`))
    },
    async close() {
      await worker.stop()
      await ctx.ledger.idle()
      await config.store.close()
    },
  }
  const checkout: CheckoutVerbs<C> = {
    createCheckout: (input) => createCheckout<C>(ctx, input),
    verifyCheckout: (input) => verifyCheckout(ctx, input),
  }
  const service = {
    ...core,
    ...(roles.checkout ? checkout : {}),
    ...(roles.portal
      ? { createPortal: (input: Parameters<PortalVerbs['createPortal']>[0]) => createPortal(ctx, input) }
      : {}),
    ...(roles.all.size > 0
      ? { webhooks: { handle: (id: string, input: WebhookInput) => worker.track(handleWebhook(ctx, id, input)) } }
      : {}),
  }
  return service as unknown as BillingService<R, C>
}

/** Whole milliseconds, and no error out of the place that errors are told to. */
function steady({ now, randomBytes, onError }: Environment): Environment {
  return {
    now: () => Math.floor(now()),
    randomBytes,
    onError(error, where) {
      try {
        onError(error, where)
      } catch {
        // There is nobody left to tell.
      }
    },
  }
}

/** The store with every method waiting for its schema first. */
function afterReady(store: Store, ready: () => Promise<void>): Store {
  const wrap = <T extends object>(group: T): T => {
    const methods = Object.entries(group).map(([name, method]) => [
      name,
      async (...args: unknown[]) => {
        await ready()
        return (method as (...args: unknown[]) => unknown).apply(group, args)
      },
    ])
    return Object.fromEntries(methods) as T
  }
  return {
    ...store,
    ledger: wrap(store.ledger),
    accounts: wrap(store.accounts),
    outbox: wrap(store.outbox),
    inbox: wrap(store.inbox),
    intents: wrap(store.intents),
    directory: wrap(store.directory),
  }
}

/** Does it once; a failure is forgotten, so that the next call tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined
      throw error
    })
    return made
  }
}
