import { createAccountLane } from './account-lane.js'
import type { Catalog } from './catalog.js'
import {
  type BillingConfig,
  type Environment,
  type ProviderRoles,
  resolveKeyPrefix,
  resolveRedirects,
  resolveRoles,
  resolveStore,
} from './config.js'
import { createConsumers } from './consumers.js'
import { type BillingContext, createIds } from './context.js'
import { createCursors } from './cursors.js'
import { tracingDestination } from './delivery/destination.js'
import { billingEventTypes } from './domain/event.js'
import { BillingError } from './errors.js'
import { errorFields, type Logger, measuredProviders, unmeasured } from './instrumentation.js'
import { createIntake } from './intake.js'
import { createLane, type Lane, type LaneOptions } from './lane.js'
import { createLeases } from './leases.js'
import { ensureAccount, getAccount, suspendAccount, updateAccount } from './operations/accounts.js'
import { authorize } from './operations/authorize.js'
import { getBudget, listBudgets, setBudget } from './operations/budgets.js'
import { getBalance, grantCredits, listTransactions } from './operations/credits.js'
import { hasFeature, listFeatures } from './operations/features.js'
import { capture, extend, hold, release } from './operations/holds.js'
import { meter } from './operations/meter.js'
import { listPackages } from './operations/packages.js'
import { getQuota, listQuotas } from './operations/quotas.js'
import { flush, runInBackground, syncStatus } from './operations/sync.js'
import { recordUsage, recordUsageBatch } from './operations/usage.js'
import { getUsage, listUsage } from './operations/usage-record.js'
import { applyInbox, handleWebhook } from './operations/webhooks.js'
import type { Store } from './ports/store.js'
import { createPriceCards } from './price-cards.js'
import { packageVerbs, providerVerbs, pullVerbs, topUpHandler } from './provider-verbs.js'
import { resolvePull } from './pull-config.js'
import type {
  BillingCore,
  CatalogVerbs,
  CheckoutVerbs,
  IntegrationVerbs,
  InvoiceCreditVerbs,
  InvoiceVerbs,
  ManualPaymentVerbs,
  MeteringVerbs,
  PaymentMethodVerbs,
  PaymentVerbs,
  PortalVerbs,
  PullVerbs,
  SubscriptionVerbs,
} from './verbs.js'
import { createWorker } from './worker.js'

const reports = () => import('./operations/reports.js')
const upkeep = () => import('./operations/upkeep.js')
// Loaded by apps that have API keys.
const keys = () => import('./operations/api-keys.js')
// Loaded by those that have operators.
const audit = () => import('./operations/audit.js')

/** No name that an app's consumer can have. */
const topUpConsumer = '_top_ups'

/** The parts that bring verbs with them, and the capability that the default provider needs to play them. */
interface Parts {
  readonly checkout: 'checkout'
  readonly portal: 'portal'
  readonly subscriptions: 'subscriptions'
  readonly invoices: 'invoices'
  readonly payments: 'payments'
  readonly paymentMethods: 'payment-methods'
}

type Plays<R extends ProviderRoles, Part extends keyof Parts> = R extends
  | { readonly default: { readonly [K in Parts[Part]]: object } }
  | { readonly [K in Part]: object }
  ? true
  : false

/** The verbs of a part, where somebody plays it. */
type When<Condition extends boolean, Verbs> = Condition extends true ? Verbs : unknown

/** Whether a provider keeps meters, products and prices. */
type KeepsCatalog<R extends ProviderRoles> = R extends
  | { readonly default: { readonly catalog: object } }
  | { readonly checkout: { readonly catalog: object } | readonly { readonly catalog: object }[] }
  ? true
  : false

/** Whether the provider of invoices takes money off them. */
type CreditsInvoices<R extends ProviderRoles> = R extends
  | { readonly default: { readonly 'invoice-credits': object } }
  | {
      readonly invoices:
        | { readonly 'invoice-credits': object }
        | readonly [{ readonly 'invoice-credits': object }, ...unknown[]]
    }
  ? true
  : false

/** Whether the provider of payments takes such as are approved by hand. */
type TakesManual<R extends ProviderRoles> = R extends
  | { readonly default: { readonly payments: { readonly submit: object } } }
  | { readonly payments: { readonly payments: { readonly submit: object } } }
  ? true
  : R extends { readonly payments: readonly (infer Each)[] }
    ? Extract<Each, { readonly payments: { readonly submit: object } }> extends never
      ? false
      : true
    : false

/** Whether a provider is told of usage. */
type TellsUsage<R extends ProviderRoles> = R extends
  | { readonly default: { readonly metering: object } }
  | { readonly metering: object }
  ? true
  : false

/** Whether a provider's traces can be read. */
type ReadsTraces<R extends ProviderRoles> = R extends
  | { readonly default: { readonly traces: object } }
  | { readonly tracing: { readonly traces: object } | readonly { readonly traces: object }[] }
  ? true
  : false

/** Ids of the providers that may take webhooks. */
type WebhookProviderId<R extends ProviderRoles> = { [Role in keyof R]: IdOf<R[Role]> }[keyof R]
type IdOf<P> = P extends readonly (infer Each)[]
  ? IdOf<Each>
  : P extends { readonly id: infer Id extends string }
    ? 'webhooks' extends keyof P
      ? Id
      : never
    : never

/** The service: what the roles make possible, and nothing else compiles. */
export type BillingService<R extends ProviderRoles = ProviderRoles, C extends Catalog = Catalog> = BillingCore<C> &
  When<Plays<R, 'checkout'>, CheckoutVerbs<C>> &
  When<Plays<R, 'portal'>, PortalVerbs> &
  When<Plays<R, 'subscriptions'>, SubscriptionVerbs<C>> &
  When<Plays<R, 'invoices'>, InvoiceVerbs> &
  When<CreditsInvoices<R>, InvoiceCreditVerbs> &
  When<Plays<R, 'payments'>, PaymentVerbs> &
  When<TakesManual<R>, ManualPaymentVerbs> &
  When<Plays<R, 'paymentMethods'>, PaymentMethodVerbs> &
  When<TellsUsage<R>, MeteringVerbs> &
  When<KeepsCatalog<R>, CatalogVerbs> &
  When<ReadsTraces<R>, PullVerbs> &
  (keyof R extends never ? unknown : IntegrationVerbs<WebhookProviderId<R>>)

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
  const { logger = null, instrumentation = unmeasured } = config
  const environment = steady(
    {
      now: () => globalThis.Date.now(),
      randomBytes: (bytes) => globalThis.crypto.getRandomValues(bytes),
      onError: (error, where) => {
        // biome-ignore lint/suspicious/noConsole: money that goes astray in the background must be seen by somebody
        if (!logger) globalThis.console.error(`billfold: ${where}:`, error)
      },
      ...config.environment,
    },
    logger,
  )
  const given = resolveStore(config.store)
  const roles = resolveRoles(measuredProviders(config.providers ?? {}, instrumentation), config.catalog.currency)
  const cards = createPriceCards(config.catalog)
  const ready = once(async () => {
    await given.migrate()
    await cards.begin(given.prices)
  })
  const subscriptions: (() => Promise<void>)[] = []
  const store = afterReady(given, async () => {
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
  const { join } = store.ledger
  const ctx: BillingContext = {
    catalog: config.catalog,
    rules,
    store,
    ledger: laneTo(store, {
      commit(commands, waitMs) {
        const keeping = cards.keep(commands, store.prices)
        const { ledger } = store
        const commit = () => ledger.commitFree?.(commands, rules, waitMs) ?? ledger.commit(commands, rules)
        return keeping ? keeping.then(commit) : commit()
      },
      maximumBatch: store.maximumBatch,
      ...(store.lockTimeoutMs === undefined ? {} : { lockTimeoutMs: store.lockTimeoutMs }),
    }),
    join: join
      ? async (transaction, command) => {
          await cards.keep([command], store.prices)
          return join(transaction, command, rules)
        }
      : null,
    roles,
    origins: resolveRedirects(config),
    suspendOn: config.dunning?.suspendOn ?? 'unpaid',
    invoiceRenderer: config.invoiceRenderer ?? null,
    keyPrefix: resolveKeyPrefix(config),
    pulling: resolvePull(config.pull, config.catalog),
    environment,
    logger,
    instrumentation,
    consumers: createConsumers(),
    newId: createIds(environment),
    cursors: createCursors(store.records, environment),
    lifetime: worker.lifetime,
    leases: createLeases(
      (accountIds) => store.ledger.suspendedAmong(accountIds),
      (keyIds) => store.apiKeys.endedAmong(keyIds),
      (error) => environment.onError(error, 'leases'),
    ),
    intake: createIntake({ taking: 1_000, working: 4 }, () => applyInbox(ctx, ctx.lifetime)),
    wake: () => worker.wake(),
  }

  /** The store is told before anything else is asked of it, or when the answer is called. */
  const listen = (
    ...[consumer, type, handler, options]: Parameters<BillingContext['consumers']['add']>
  ): (() => Promise<void>) => {
    ctx.consumers.add(consumer, type, handler, options)
    const subscribed = once(async () => {
      await ready()
      await given.outbox.subscribe(consumer, [type])
    })
    subscriptions.push(subscribed)
    return subscribed
  }
  const topUp = topUpHandler(ctx)
  if (topUp) listen(topUpConsumer, 'top_up.due', topUp)

  const core: BillingCore<C> = {
    accounts: {
      ensure: (input) => ensureAccount(ctx, input),
      get: (input) => getAccount(ctx, input),
      update: (input) => updateAccount(ctx, input),
      suspend: (input) => suspendAccount(ctx, 'suspend', input),
      resume: (input) => suspendAccount(ctx, 'resume', input),
      customers: async (input) => (await reports()).listCustomers(ctx, input),
      find: async (input) => (await upkeep()).findAccounts(ctx, input),
      erase: async (input) => (await upkeep()).eraseAccount(ctx, input),
      lifetimePurchases: async (input) => (await reports()).lifetimePurchases(ctx, input),
    },
    recordUsage: (input) => recordUsage(ctx, input),
    recordUsageBatch: (input) => recordUsageBatch(ctx, input),
    authorize: (input) => authorize(ctx, input),
    hold: (input) => hold(ctx, input),
    extend: (input) => extend(ctx, input),
    capture: (input) => capture(ctx, input),
    release: (input) => release(ctx, input),
    // Loaded when it is asked for: few apps lease.
    lease: async (input) => (await import('./operations/lease.js')).createLease<C>(ctx, input),
    meter: (input, work) => meter(ctx, input, work),
    getQuota: (input) => getQuota<C>(ctx, input),
    quotas: { list: (input) => listQuotas(ctx, input) },
    credits: {
      balance: (input) => getBalance(ctx, input),
      grant: (input) => grantCredits(ctx, input),
      adjust: async (input) => (await upkeep()).adjustCredits(ctx, input),
      expire: async (input) => (await upkeep()).expireCredits(ctx, input),
      transactions: (input) => listTransactions(ctx, input),
      packages: { list: () => listPackages(ctx), ...packageVerbs<C>(ctx) },
      autoTopUp: {
        get: async (input) => (await upkeep()).getAutoTopUp(ctx, input),
        set: async (input) => (await upkeep()).setAutoTopUp<C>(ctx, input),
      },
    },
    usage: {
      get: (input) => getUsage(ctx, input),
      list: (input) => listUsage(ctx, input),
      summary: async (input) => (await reports()).summarizeUsage(ctx, input),
      timeline: async (input) => (await reports()).usageTimeline(ctx, input),
      limits: async (input) => (await reports()).usageLimits(ctx, input),
      amend: async (input) => (await upkeep()).amendUsage(ctx, input),
      void: async (input) => (await upkeep()).voidUsage(ctx, input),
    },
    costs: {
      summary: async (input) => (await reports()).summarizeCosts(ctx, input),
      timeline: async (input) => (await reports()).costTimeline(ctx, input),
      list: async (input) => (await reports()).listCosts(ctx, input),
      async *export(input) {
        yield* (await reports()).exportCosts(ctx, input)
      },
    },
    budgets: {
      set: (input) => setBudget(ctx, input),
      get: (input) => getBudget(ctx, input),
      list: (input) => listBudgets(ctx, input),
    },
    apiKeys: {
      issue: async (input) => (await keys()).issueApiKey(ctx, input),
      verify: async (input) => (await keys()).verifyApiKey(ctx, input),
      get: async (input) => (await keys()).getApiKey(ctx, input),
      list: async (input) => (await keys()).listApiKeys(ctx, input),
      rotate: async (input) => (await keys()).rotateApiKey(ctx, input),
      revoke: async (input) => (await keys()).revokeApiKey(ctx, input),
      setBudget: async (input) => (await keys()).setApiKeyBudget(ctx, input),
    },
    audit: {
      run: async (action, work) => (await audit()).runAudited(ctx, action, work),
      list: async (input) => (await audit()).listAudit(ctx, input),
    },
    features: { has: (input) => hasFeature(ctx, input), list: (input) => listFeatures(ctx, input) },
    sync: {
      run: (options = {}) => runInBackground(ctx, options, (signal) => worker.run(signal)),
      flush: (options) => flush(ctx, options),
      status: () => syncStatus(ctx),
      replay: async (input) => (await import('./operations/replay.js')).replay(ctx, input),
      ...pullVerbs(ctx),
    },
    quote: async (input) => (await reports()).quote(ctx, input),
    priceList: async () => (await reports()).priceList(ctx),
    // Loaded when it is asked for: it is large, and for people.
    explain: async (input) => (await import('./operations/explain.js')).explain(ctx, input),
    verifyLedger: async (input) => (await reports()).verifyLedger(ctx, input),
    health: () => ctx.store.health(),
    async *changes(input) {
      yield* (await import('./operations/changes.js')).changes(ctx, input)
    },
    on(consumer, type, handler, options) {
      if (typeof consumer !== 'string' || !/^[a-z][a-z0-9_-]{0,59}$/.test(consumer)) {
        const message = `on: ${String(consumer)} is no name of a consumer: use a-z, then up to 59 of a-z 0-9 _ -.`
        throw new BillingError('config_invalid', message)
      }
      if (!billingEventTypes.includes(type))
        throw new BillingError('config_invalid', `on(${consumer}): ${String(type)} is no type of event.`)
      const subscribe = listen(consumer, type, handler, options)
      subscribe().catch((error: unknown) => environment.onError(error, `consumer ${consumer}`))
    },
    async close() {
      await ctx.leases.close()
      await worker.stop()
      await ctx.ledger.idle()
      await given.close()
    },
  }
  const integration: IntegrationVerbs = {
    webhooks: { handle: (id, input) => worker.track(handleWebhook(ctx, id, input)) },
    reconcile: async (input) => (await import('./provider-operations.js')).reconcile(ctx, input),
  }
  const service = {
    ...core,
    ...providerVerbs<C>(ctx),
    ...(roles.all.size > 0 ? integration : {}),
  }
  return instrumentation.service(service) as unknown as BillingService<R, C>
}

/** Whole milliseconds, and no error out of the place that errors are told to. */
function steady({ now, randomBytes, onError }: Environment, logger: Logger | null): Environment {
  return {
    now: () => Math.floor(now()),
    randomBytes,
    onError(error, where) {
      try {
        logger?.error({ where, ...errorFields(error) }, 'background')
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
    prices: wrap(store.prices),
    pulls: wrap(store.pulls),
    records: wrap(store.records),
    apiKeys: wrap(store.apiKeys),
  }
}

function laneTo({ concurrentAccounts }: Store, options: LaneOptions): Lane {
  if (concurrentAccounts === undefined) return createLane(options)
  return createAccountLane({ ...options, maximumRunning: concurrentAccounts })
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
