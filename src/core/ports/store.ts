import type { Budget } from '../domain/budget.js'
import type { CreditGrant } from '../domain/credit-grant.js'
import type { BillingEvent } from '../domain/event.js'
import type { LedgerCommand } from '../domain/ledger/command.js'
import type { LedgerOutcome } from '../domain/ledger/outcome.js'
import type { EntryOperation, Hold, LedgerEntry, LedgerRules, NewDelivery, Rollup } from '../domain/ledger/state.js'
import type { LedgerSnapshot } from '../domain/ledger/view.js'
import type { Payment } from '../domain/payment.js'
import type { Instant } from '../domain/period.js'
import type { LedgerVerification, LedgerVerificationScope } from './ledger-verification.js'

/**
 * Where everything is kept. A store decides nothing: it loads, asks the kernel, and writes what that answers, all or nothing.
 * Every method is atomic, and returns only after its effect is as durable as the store is.
 *
 * A third party writes one by following this interface and running `storeConformance` from `billfold/testing`.
 */
export interface Store {
  /** Names the kind in errors and health reports: "memory", "sqlite". */
  readonly name: string
  /** Whether what was acknowledged outlives the process. */
  readonly durable: boolean
  /** How many commands one commit takes at most. */
  readonly maximumBatch: number
  /** How long a command waits for an account that another transaction keeps locked; a store that knows no such thing has none. */
  readonly lockTimeoutMs?: number
  /**
   * For how many accounts it writes at the same time, where each of its transactions holds one account: of a batch that names several,
   * each account's part is then a transaction of its own. Other stores have none.
   */
  readonly concurrentAccounts?: number
  /** Brings the schema up to date; harmless to repeat. @throws BillingError `schema_version_mismatch` when it is newer than this code */
  migrate(): Promise<void>
  /** Throws when the store cannot be used, with what to do about it. */
  health(): Promise<StoreHealth>
  /** Waits for nothing and lets go of files and connections. */
  close(): Promise<void>
  readonly ledger: LedgerStore
  readonly accounts: AccountStore
  readonly outbox: OutboxStore
  readonly inbox: InboxStore
  readonly intents: IntentStore
  readonly directory: DirectoryStore
  readonly prices: PriceStore
  readonly pulls: PullStore
  readonly records: RecordStore
  readonly apiKeys: ApiKeyStore
}

/** What a store says of itself. */
export interface StoreHealth {
  readonly name: string
  /** Facts a person may want: file, journal mode, version. */
  readonly details: Readonly<Record<string, string>>
}

/** Balances, counters, holds and the rows they are sums of. */
export interface LedgerStore {
  /**
   * Decides and writes a batch in one transaction, or one for each account: lock the accounts in order of id, load what `needs` named, take the time, call
   * `apply`, write its rows, commit.
   */
  commit(commands: readonly LedgerCommand[], rules: LedgerRules): Promise<readonly LedgerOutcome[]>
  /**
   * The same, but the commands of accounts that other transactions keep locked for longer than this take no part, and have `null` for an
   * outcome; all commands of an account take part or none. Without a time: for longer than a batch usually takes. Only of stores where
   * others can lock an account for long.
   */
  commitFree?(
    commands: readonly LedgerCommand[],
    rules: LedgerRules,
    waitMs?: number,
  ): Promise<readonly (LedgerOutcome | null)[]>
  /**
   * Decides and writes one command in a transaction that the app began, and leaves it open; a command that fails leaves the transaction
   * as it was. Only of stores whose transactions an app can hold.
   *
   * @throws BillingError `invalid_request` when this is no such transaction
   */
  join?(transaction: object, command: LedgerCommand, rules: LedgerRules): Promise<JoinedOutcome>
  /** The account as of the store's clock, as `viewAccount` says: what is over counts no more, swept or not. */
  snapshot(accountId: string): Promise<LedgerSnapshot | null>
  /** A hold of this account. */
  hold(accountId: string, holdId: string): Promise<Hold | null>
  /** A grant of this account, whatever is left of it. */
  grant(accountId: string, grantId: string): Promise<CreditGrant | null>
  /** What is known of a payment of this account. */
  payment(accountId: string, paymentId: string): Promise<Payment | null>
  /** A ledger row of this account. */
  entry(accountId: string, entryId: string): Promise<LedgerEntry | null>
  /** Ledger rows, newest first; `before` is the `cursor` of the last row of the page before. */
  entries(accountId: string, page: EntryPage): Promise<readonly (LedgerEntry & { readonly cursor: string })[]>
  /** The rows that correct any of these rows of the account, oldest first. */
  corrections(accountId: string, entryIds: readonly string[]): Promise<readonly LedgerEntry[]>
  /** Sums of days `from` (included) to `to` (excluded), as `YYYY-MM-DD`; over everything, or by the values of a dimension. */
  rollups(
    accountId: string,
    span: { readonly from: string; readonly to: string; readonly dimension?: string },
  ): Promise<readonly Rollup[]>
  /** A budget of this account that has a limit, as of the store's clock, as `viewBudgets` says. */
  budget(accountId: string, scope: string): Promise<Budget | null>
  /** Those that have a limit by scope, in the order of its code points; `after` is the scope of the last one of the page before. */
  budgets(accountId: string, page: { readonly limit: number; readonly after?: string }): Promise<readonly Budget[]>
  /** What these accounts have, without those that are not there. */
  balances(accountIds: readonly string[]): Promise<ReadonlyMap<string, StoredBalance>>
  /** Which of these accounts are suspended. */
  suspendedAmong(accountIds: readonly string[]): Promise<readonly string[]>
  /**
   * Works out from the rows what is stored as sums, on one state of the books and without the kernel, and answers where the two
   * differ; at most `limit` findings.
   */
  verify(scope: LedgerVerificationScope): Promise<LedgerVerification>
  /** Accounts with something that is due: a hold or grant whose time is over, credits that recur, a level to be counted. */
  due(limit: number): Promise<readonly string[]>
}

/** What an account has, in micro-sparks. */
export interface StoredBalance {
  readonly balance: bigint
  readonly held: bigint
}

/** What a command came to in a transaction of the app. */
export interface JoinedOutcome {
  readonly outcome: LedgerOutcome
  /** How the deliveries stand that the row of a duplicate names, seen from within the transaction. */
  readonly deliveries: Readonly<Record<string, DeliveryStatus | null>>
}

/** Which ledger rows to read. */
export interface EntryPage {
  readonly limit: number
  readonly before?: string
  /** Only rows that moved the balance. */
  readonly movedOnly?: boolean
  /** Only rows of usage, without those that correct them. */
  readonly usage?: UsageFilter
  /** Only rows of this command. */
  readonly operation?: EntryOperation
  /** Only rows that took something from this grant, or gave it something. */
  readonly grantId?: string
}

/** Which rows of usage to read: those for which all of this holds. */
export interface UsageFilter {
  readonly meter?: string
  readonly model?: string
  readonly dimension?: { readonly name: string; readonly value: string }
  /** Recorded then or later. */
  readonly recordedFrom?: Instant
  /** Recorded before. */
  readonly recordedTo?: Instant
  /** Only what has a cost. */
  readonly withCost?: boolean
  /** Only what took something out of this hold. */
  readonly holdId?: string
  /** Also the rows that correct usage. */
  readonly withCorrections?: boolean
}

/** Who an account is, beside what the ledger keeps for it. */
export interface AccountRecord {
  readonly id: string
  readonly email: string | null
  readonly name: string | null
  readonly plan: string
  readonly createdAt: Instant
}

/** Accounts, and what providers call them. */
export interface AccountStore {
  /** Makes the account if it is not there; an existing one keeps everything but the e-mail and name given here. */
  ensure(account: {
    readonly id: string
    readonly email: string | null
    readonly name: string | null
    readonly plan: string
    /** The IANA time zone of its periods; `UTC` when it is not given. */
    readonly zone?: string
  }): Promise<{ readonly account: AccountRecord; readonly created: boolean }>
  /** The account, or `null`. */
  get(accountId: string): Promise<AccountRecord | null>
  /**
   * Forgets whose the account is: its e-mail, its name, and the names of its API keys, which are revoked. Harmless to repeat.
   * @returns the account after it, or `null`
   */
  erase(accountId: string): Promise<AccountRecord | null>
  /** The ids of all accounts in an order of the store's own; `after` is the last one of the page before. */
  list(page: { readonly limit: number; readonly after?: string }): Promise<readonly string[]>
  /** Keeps the provider's id for this account; the first one stays, and is what is answered. */
  link(accountId: string, provider: string, externalId: string): Promise<string>
  /**
   * Forgets the provider's id of an account, if it is the one it has: the provider knows the account by it no more, and another one may be
   * linked. The id goes on leading to the account, for what is heard of it late, and is never linked again. @returns whether it was the one
   */
  unlink(accountId: string, provider: string, externalId: string): Promise<boolean>
  /** The provider's id of an account that was forgotten last, or `null`. */
  formerId(accountId: string, provider: string): Promise<string | null>
  /** The provider's id of an account, or `null` while the provider does not know it. */
  externalId(accountId: string, provider: string): Promise<string | null>
  /** The accounts a provider knows, in an order of the store's own; `after` is the account of the last one of the page before. */
  linked(
    provider: string,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<readonly { readonly accountId: string; readonly externalId: string }[]>
  /** The same of several accounts; those that the provider does not know are left out. */
  externalIds(accountIds: readonly string[], provider: string): Promise<ReadonlyMap<string, string>>
}

/** The look-ups that cross accounts. */
export interface DirectoryStore {
  /** The account a provider knows by this id, or knew before the id was forgotten. */
  accountByExternalId(provider: string, externalId: string): Promise<string | null>
  /** The accounts that have this e-mail, whatever its case, by id; at most `limit`. */
  accountsByEmail(email: string, limit: number): Promise<readonly string[]>
  /** The sale a provider knows by this id. */
  intentByExternalId(provider: string, externalId: string): Promise<CheckoutIntent | null>
  /** A sale by our id, whoever it belongs to. */
  intentById(intentId: string): Promise<CheckoutIntent | null>
  /** The account a delivery is about. */
  accountByDelivery(deliveryId: string): Promise<string | null>
  /** An API key by its id, whoever it belongs to. */
  apiKey(id: string): Promise<KnownApiKey | null>
}

/** What opens an API key: of the secret itself only a digest is kept. */
export interface ApiKeySecret {
  /** What it was asked for by: the same for a repeat. */
  readonly id: string
  /** The SHA-256 of what is shown once, as hexadecimal text. */
  readonly digest: string
  /** What may be shown of it later: its beginning and its last characters. */
  readonly hint: string
  readonly createdAt: Instant
  /** From when it opens nothing any more; `null` while nobody said so. */
  readonly expiresAt: Instant | null
}

/** An API key of an account. It stays as it is when its secret is exchanged. */
export interface ApiKeyRecord {
  readonly id: string
  readonly accountId: string
  readonly name: string
  readonly scopes: readonly string[]
  /** Oldest first. */
  readonly secrets: readonly ApiKeySecret[]
  /** Whether credits that the account buys are added to the key's budget. */
  readonly topUpsRaiseBudget: boolean
  /** Of what it was asked for with. */
  readonly fingerprint: string
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly revokedAt: Instant | null
  /** Some minutes coarse; `null` until it was used. */
  readonly lastUsedAt: Instant | null
}

/** An API key as it was at a moment of the store's clock, which also says what has expired. */
export interface KnownApiKey extends ApiKeyRecord {
  readonly asOf: Instant
}

/** An API key that is not there yet, with its first secret. */
export interface NewApiKey extends Omit<ApiKeyRecord, 'secrets' | 'createdAt' | 'revokedAt' | 'lastUsedAt'> {
  readonly secret: NewApiKeySecret
}

/** A secret that is not there yet. */
export type NewApiKeySecret = Omit<ApiKeySecret, 'createdAt' | 'expiresAt'>

/** What is changed of an API key; `changedApiKey` of `billfold/adapters/kit` says how. */
export type ApiKeyChange =
  | { readonly kind: 'revoke' }
  | { readonly kind: 'budget'; readonly topUpsRaiseBudget: boolean }
  /** Another secret; those there are open it for so long. */
  | { readonly kind: 'rotate'; readonly secret: NewApiKeySecret; readonly overlapMs: number }

/** API keys and what opens them. They are looked up by id in the directory, before anybody knows whose they are. */
export interface ApiKeyStore {
  /** Keeps a new key, or answers the one that has this id; which of the two, its secret says. */
  add(key: NewApiKey): Promise<KnownApiKey>
  /** A key of this account. */
  get(accountId: string, id: string): Promise<KnownApiKey | null>
  /** The keys of an account, newest first; `before` is the id of the last one of the page before. */
  list(accountId: string, page: { readonly limit: number; readonly before?: string }): Promise<readonly KnownApiKey[]>
  /** Changes a key of this account; of several at once each sees what the one before left. @returns the key after it, or `null` */
  change(accountId: string, id: string, change: ApiKeyChange): Promise<KnownApiKey | null>
  /** Notes that a key is used, unless that was noted less than `coarseMs` ago. */
  used(id: string, coarseMs: number): Promise<void>
  /** Which of these are keys that were revoked or have expired. Ids of no key are left out: apps may have keys of their own. */
  endedAmong(ids: readonly string[]): Promise<readonly string[]>
}

/** `pending` waits for its time; `uncertain` may or may not have arrived and waits for reconciliation; `parked` waits for a person. */
export type DeliveryStatus = 'pending' | 'delivered' | 'parked' | 'uncertain'

/** A delivery as a worker gets it. */
export interface Delivery extends Omit<NewDelivery, 'kind'> {
  readonly kind: NewDelivery['kind'] | 'event'
  readonly attempts: number
  /** When the first attempt was made that may have arrived; `null` if none was. */
  readonly firstAttemptAt: Instant | null
  readonly createdAt: Instant
  /**
   * For metering, the report it is part of: the id of that report's first delivery. Fixed when it is first handed out, and never changed;
   * `null` before that, and for other kinds.
   */
  readonly bundle: string | null
  /** How many deliveries this stands for: of a bundle that was handed out all of its members, otherwise one. */
  readonly members: number
  /** The claim it was handed out under; a settlement with another one is refused. */
  readonly fence: number
  /** The usage events it lists, for metering and tracing; a claim leaves those for metering out. */
  readonly entries: readonly LedgerEntry[]
  /** The event to hand over, for consumers. */
  readonly event: BillingEvent | null
}

/** A delivery, and how it stands. */
export interface DeliveryState extends Delivery {
  readonly status: DeliveryStatus
  /** Why the last attempt failed; `null` where none did. */
  readonly error: string | null
}

/** Usage as it was reported, or is going to be: the deliveries of one bundle together, or one that nobody was handed out yet. */
export interface ReportState {
  /** What it is reported under. */
  readonly id: string
  readonly meter: string
  readonly sparks: bigint
  /** The moment it is reported at: the latest of its deliveries'. */
  readonly occurredAt: Instant
  readonly status: DeliveryStatus
  /** When it was handed out last; `null` if it never was. */
  readonly claimedAt: Instant | null
  /** Whether an attempt may have arrived. */
  readonly mayHaveArrived: boolean
}

/** A change of how deliveries stand that somebody decided who looked into it. */
export interface Restatement {
  /** Of reports, or of deliveries. */
  readonly ids: readonly string[]
  /** Only those that stand so. */
  readonly from: readonly Exclude<DeliveryStatus, 'pending'>[]
  /** `pending`: from the beginning, as if it was never tried. */
  readonly to: Exclude<DeliveryStatus, 'uncertain'>
  readonly error: string | null
  /** What to publish with it, in the same transaction, if anything changed. */
  readonly event: BillingEvent | null
}

/** A delivery that was given up. */
export interface StrandedDelivery {
  readonly id: string
  readonly accountId: string
  readonly destination: string
  readonly kind: Delivery['kind']
  readonly status: DeliveryStatus
  readonly sparks: bigint
  readonly occurredAt: Instant
  readonly error: string | null
  /** Where the next page begins. */
  readonly cursor: string
}

/** What to hand out, and for how long. */
export interface ClaimOptions {
  readonly limit: number
  readonly leaseMs: number
  /** Only deliveries of events of these types. */
  readonly types?: readonly string[]
  /** Also those that nobody was handed out yet and whose minute is not over. */
  readonly early?: boolean
  /** Only those of this account, and all of them that nobody has, whatever time they wait for. */
  readonly accountId?: string
  /** Of events, of each account only the one that waits longest of these types, and none while that one is handed out or waits for its time. */
  readonly inTurn?: boolean
}

/** How a claimed delivery ended, or a bundle of them, which ends as one. */
export interface Settlement {
  /** As it was handed out: of a bundle its own id. */
  readonly id: string
  readonly fence: number
  readonly status: DeliveryStatus
  /** How long from now to try again, for `pending`; counted by the store's clock, which also decides what is due. */
  readonly retryInMs: number | null
  /** Whether this attempt may have had its effect: a claim that ran out unsettled may have, too. */
  readonly mayHaveArrived: boolean
  readonly error: string | null
  /** What to publish with it, in the same transaction, if the claim still held. */
  readonly event: BillingEvent | null
}

/** Which events to read. */
export interface NewsQuery {
  readonly types: readonly string[]
  /** Those that come after this one; from this moment on, where the id is empty. */
  readonly after: { readonly storedAt: Instant; readonly id: string }
  readonly limit: number
}

/** Events, and when they were stored; oldest first. */
export interface News {
  readonly events: readonly { readonly event: BillingEvent; readonly storedAt: Instant }[]
  /** The store's time. */
  readonly asOf: Instant
}

/** What is to be told to others, written with the change it tells of. */
export interface OutboxStore {
  /** From now on events of these types are delivered to this consumer too; harmless to repeat. */
  subscribe(consumer: string, types: readonly string[]): Promise<void>
  /**
   * Hands out due deliveries of a destination, oldest first, and keeps others from them for `leaseMs` of the store's clock.
   *
   * Deliveries for metering come in bundles, each as one: under the id of its first member, with the Sparks of all of them, at the latest
   * of their times, and without the ids of what they list. One that is handed out for the first time takes along those of its account,
   * meter, period and minute that nobody was handed out yet, up to five hundred of them, and all of them are stored as one bundle in
   * the transaction of the claim. Whoever claims one of them later gets all of them, and only them.
   */
  claim(destination: string, options: ClaimOptions): Promise<readonly Delivery[]>
  /** Says how claimed deliveries ended, a bundle with all of its members. @returns the ids that were settled: those whose claim still held. */
  settle(settlements: readonly Settlement[]): Promise<readonly string[]>
  /** Adds an event that no ledger command caused; an id that is there already is left alone. */
  publish(event: BillingEvent): Promise<void>
  /** A delivery of this account with how it stands, whoever it is for. */
  delivery(accountId: string, deliveryId: string): Promise<DeliveryState | null>
  /** An event of this account. */
  event(accountId: string, eventId: string): Promise<BillingEvent | null>
  /**
   * Events of these accounts and types, in the order in which they were stored by the store's clock, from a place on. Of two that were stored
   * at the same time by transactions that overlap, one may be seen later than the other: who must miss none looks back a while.
   */
  news(accountIds: readonly string[], asked: NewsQuery): Promise<News>
  /** How deliveries stand, by id. */
  statuses(accountId: string, deliveryIds: readonly string[]): Promise<ReadonlyMap<string, DeliveryStatus>>
  /** What was and will be reported of an account to a destination for whole minutes, by meter and oldest first. */
  reports(
    accountId: string,
    destination: string,
    span: { readonly from: Instant; readonly to: Instant },
  ): Promise<readonly ReportState[]>
  /** Changes how deliveries of an account stand, those of a report all or none. @returns the ids of those that changed */
  restate(accountId: string, change: Restatement): Promise<readonly string[]>
  /** Deliveries to a destination that were given up so, oldest first; `after` is the `cursor` of the last one of the page before. */
  stranded(
    destination: string,
    status: 'parked' | 'uncertain',
    page: { readonly limit: number; readonly after?: string },
  ): Promise<readonly StrandedDelivery[]>
  /** How many deliveries each destination has by status, delivered ones left out; of this account alone, if one is given. */
  backlog(
    accountId?: string,
  ): Promise<readonly { readonly destination: string; readonly status: DeliveryStatus; readonly count: number }[]>
}

/** A webhook event as it was received. */
export interface InboxEvent {
  readonly provider: string
  readonly eventId: string
  readonly type: string
  readonly payload: string
}

export interface ClaimedInboxEvent extends InboxEvent {
  readonly receivedAt: Instant
  readonly attempts: number
  readonly fence: number
}

/** An event that was given up. */
export interface DeadInboxEvent extends InboxEvent {
  readonly receivedAt: Instant
  readonly attempts: number
  readonly error: string | null
  /** Where the next page begins. */
  readonly cursor: string
}

/** Webhook events between their acknowledgement and their effect. */
export interface InboxStore {
  /**
   * Stores an event once by provider and event id. One that is for later (`receivedAt`, by the store's clock) is neither handed out nor
   * in the backlog before, and counts as received then. @returns whether it was new
   */
  accept(event: InboxEvent & { readonly receivedAt?: Instant }): Promise<{ readonly created: boolean }>
  /** Hands out due events, oldest first, and keeps others from them for `leaseMs`. */
  claim(options: { readonly limit: number; readonly leaseMs: number }): Promise<readonly ClaimedInboxEvent[]>
  /** Says how a claimed event ended. @returns whether the claim still held */
  settle(settlement: {
    readonly provider: string
    readonly eventId: string
    readonly fence: number
    readonly status: 'pending' | 'applied' | 'dead'
    /** How long from now to try again, for `pending`. */
    readonly retryInMs: number | null
    readonly error: string | null
  }): Promise<boolean>
  /** Events that were given up, oldest first; `after` is the `cursor` of the last one of the page before. */
  dead(page: { readonly limit: number; readonly after?: string }): Promise<readonly DeadInboxEvent[]>
  /** Lets an event that was given up be tried again, from the beginning. @returns whether it was given up */
  revive(provider: string, eventId: string): Promise<boolean>
  /** How many events wait that have been received, and how many were given up. */
  backlog(): Promise<readonly { readonly status: 'pending' | 'dead'; readonly count: number }[]>
}

/**
 * `open`: not known to be at the provider yet; `pending`: has a page to pay on; the others are final, but one that has `expired` is
 * `completed` when it is paid after all.
 */
export type IntentStatus = 'open' | 'pending' | 'completed' | 'expired' | 'mismatched'

/** What a checkout is meant to sell, written before the provider hears of it. */
export interface CheckoutIntent {
  readonly id: string
  readonly accountId: string
  readonly provider: string
  readonly kind: 'credits' | 'package' | 'subscription' | 'lifetime' | 'setup'
  /** What fulfilment gives: micro-sparks for credits and packages, a plan for a subscription and for life. */
  readonly sparks: bigint
  readonly plan: string | null
  readonly package: string | null
  readonly currency: string
  /** What is sold, before discounts and tax, in nanos of the currency. */
  readonly amountNanos: bigint
  /** What was paid for it; `null` until it was. */
  readonly paidNanos: bigint | null
  /** Empty, like `cancelUrl`, for a sale that has no page: a stored payment method is charged for it. */
  readonly successUrl: string
  readonly cancelUrl: string
  readonly key: string
  readonly fingerprint: string
  readonly status: IntentStatus
  readonly externalId: string | null
  readonly url: string | null
  readonly createdAt: Instant
  readonly expiresAt: Instant | null
  readonly completedAt: Instant | null
}

/**
 * The prices behind the versions that usage names, kept for ever, so that a change of prices never makes the past unexplainable. They
 * are the app's, and of no account.
 */
export interface PriceStore {
  /** Keeps a price card under its version; one that is there already is left alone. */
  keep(version: string, card: string): Promise<void>
  /** The card of a version, as it was given, or `null`. */
  get(version: string): Promise<string | null>
}

/** Whose something that was read elsewhere is. */
export interface PulledItem {
  readonly accountId: string
  /** Whether it was marked as processed where it was read. */
  readonly isMarked: boolean
}

/** What was read at a provider to become usage: whose it is, and up to when everything was read. Kept for ever. */
export interface PullStore {
  /**
   * Keeps whose these are, named by ids of the source; what is kept already stays, whatever is said now, so that nothing is ever charged
   * to two accounts.
   *
   * @returns what is kept, in the order asked
   */
  assign(
    source: string,
    items: readonly { readonly externalId: string; readonly accountId: string }[],
  ): Promise<readonly PulledItem[]>
  /** Notes that these are marked at the source; those that are not kept are left out. */
  mark(source: string, externalIds: readonly string[]): Promise<void>
  /** Up to when all of a source was read, or `null`. */
  position(source: string): Promise<Instant | null>
  /** Moves the position of a source forward; never back. */
  advance(source: string, position: Instant): Promise<void>
}

/** Something that a provider without a service of its own keeps, such as an invoice. What it says is the provider's. */
export interface StoredRecord {
  readonly id: string
  /** What it is. */
  readonly kind: string
  /** Whom it is about; with the kind, what it is listed by. Both stay as they were at first. */
  readonly party: string
  /** How often it was written: 1 for a new one. */
  readonly revision: number
  readonly body: string
}

/** Which records of one kind and party to read. */
export interface RecordPage {
  readonly kind: string
  readonly party: string
  readonly limit: number
  /** The id of the last one of the page before. */
  readonly before?: string
}

/** What providers that are no service of somebody else's keep here. Each sees its own: `owner` is the provider's id. */
export interface RecordStore {
  /** One of the owner's, or `null`. */
  get(owner: string, id: string): Promise<StoredRecord | null>
  /** Newest first, by when they were written for the first time. */
  list(owner: string, page: RecordPage): Promise<readonly StoredRecord[]>
  /**
   * Writes several at once, or none of them: each must be the next revision of what is there, so that of two who read the same and write
   * at the same time only one does.
   *
   * @returns whether they were written
   */
  write(owner: string, records: readonly StoredRecord[]): Promise<boolean>
}

/** Sales between the wish to buy and the purchase. */
export interface IntentStore {
  /** Stores the intent, or answers the one this account already has under this key. */
  open(
    intent: Omit<
      CheckoutIntent,
      'createdAt' | 'completedAt' | 'status' | 'externalId' | 'url' | 'expiresAt' | 'paidNanos'
    >,
  ): Promise<{
    readonly intent: CheckoutIntent
    readonly created: boolean
  }>
  /** Records what is known now; a final status stays as it is, `completed` after `expired` apart. @returns the intent after it */
  update(
    accountId: string,
    intentId: string,
    change: Partial<Pick<CheckoutIntent, 'status' | 'externalId' | 'url' | 'expiresAt' | 'paidNanos'>>,
  ): Promise<CheckoutIntent>
  /** The sale, if it belongs to this account. */
  get(accountId: string, intentId: string): Promise<CheckoutIntent | null>
  /** The newest intent of the account with this fingerprint. */
  latest(accountId: string, fingerprint: string): Promise<CheckoutIntent | null>
  /** The completed sales of a kind to the account, newest first. */
  completed(accountId: string, kind: CheckoutIntent['kind']): Promise<readonly CheckoutIntent[]>
  /** The account's sales since then, those that were begun earlier and wait for the provider among them; oldest first. */
  since(accountId: string, from: Instant): Promise<readonly CheckoutIntent[]>
  /** Intents that wait for the provider, oldest first. */
  waiting(limit: number): Promise<readonly CheckoutIntent[]>
}
