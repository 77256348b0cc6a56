import { schedule, unschedule } from './due.js'
import { emit } from './events.js'
import { newId, type StripeWorld, seconds, tableOf } from './world.js'

export type CreditGrant = ReturnType<typeof newGrant>
export type CreditTransaction = ReturnType<typeof newTransaction>

export const creditGrants = tableOf<CreditGrant>('credit_grants')
export const creditTransactions = tableOf<CreditTransaction>('credit_balance_transactions')

export interface GrantRequest {
  readonly customer: string
  readonly value: number
  readonly currency: string
  readonly category: 'paid' | 'promotional'
  readonly effectiveAt: number | null
  readonly expiresAt: number | null
  readonly metadata: Readonly<Record<string, string>>
  readonly name: string | null
  readonly priority: number
  /** Ids of the metered prices it pays for; nothing for all of them. */
  readonly prices: readonly string[] | null
}

type Credit = 'credits_granted' | 'credits_application_invoice_voided'
type Debit = 'credits_applied' | 'credits_expired' | 'credits_voided'

/** What an amount was spent on, or came back from. */
export interface CreditUse {
  readonly invoice: string
  readonly invoice_line_item: string
}

export function createGrant(world: StripeWorld, request: GrantRequest): CreditGrant {
  const grant = newGrant(world, request)
  creditGrants(world).put(grant.id, grant)
  emit(world, 'billing.credit_grant.created', grant)
  const at = grant.effective_at
  move(world, grant, { credit: 'credits_granted', value: request.value, at })
  planExpiry(world, grant)
  return grant
}

export function updateGrant(world: StripeWorld, before: CreditGrant, change: Partial<CreditGrant>): CreditGrant {
  const after: CreditGrant = { ...before, ...change, updated: seconds(world) }
  creditGrants(world).put(after.id, after)
  planExpiry(world, after)
  emit(world, 'billing.credit_grant.updated', after)
  return after
}

/** What is left of a grant: everything that was put in and taken out. */
export function balanceOf(world: StripeWorld, grant: CreditGrant): number {
  let balance = 0
  for (const each of creditTransactions(world).values()) {
    if (each.credit_grant !== grant.id) continue
    balance += (each.credit?.amount.monetary.value ?? 0) - (each.debit?.amount.monetary.value ?? 0)
  }
  return balance
}

export function isUsable(world: StripeWorld, grant: CreditGrant): boolean {
  const now = seconds(world)
  const { effective_at: from, expires_at: until, voided_at: voided } = grant
  return voided === null && from <= now && (until === null || until > now)
}

export function applyGrant(world: StripeWorld, grant: CreditGrant, value: number, use: CreditUse): CreditTransaction {
  return move(world, grant, { debit: 'credits_applied', value, use })
}

/** The rest is gone, for good. */
export function expireGrant(world: StripeWorld, before: CreditGrant): CreditGrant {
  const rest = balanceOf(world, before)
  if (rest > 0) move(world, before, { debit: 'credits_expired', value: rest })
  return updateGrant(world, before, { expires_at: seconds(world) })
}

export function voidGrant(world: StripeWorld, before: CreditGrant): CreditGrant {
  const rest = balanceOf(world, before)
  if (rest > 0) move(world, before, { debit: 'credits_voided', value: rest })
  return updateGrant(world, before, { voided_at: seconds(world) })
}

/** Its day has come. */
export function expireDueGrant(world: StripeWorld, id: string): void {
  const grant = creditGrants(world).get(id)
  if (grant === undefined || grant.voided_at !== null) return
  if (grant.expires_at === null || grant.expires_at > seconds(world)) return
  const rest = balanceOf(world, grant)
  if (rest > 0) move(world, grant, { debit: 'credits_expired', value: rest })
}

/** What paid for an invoice that is void now comes back. */
export function restoreCredits(world: StripeWorld, invoice: string): void {
  for (const each of [...creditTransactions(world).values()]) {
    const use = each.debit?.credits_applied
    const grant = creditGrants(world).get(each.credit_grant)
    if (use?.invoice !== invoice || grant === undefined) continue
    move(world, grant, {
      credit: 'credits_application_invoice_voided',
      value: each.debit?.amount.monetary.value ?? 0,
      use,
    })
    expireDueGrant(world, grant.id)
  }
}

interface Movement {
  readonly credit?: Credit
  readonly debit?: Debit
  readonly value: number
  readonly use?: CreditUse
  readonly at?: number
}

function move(world: StripeWorld, grant: CreditGrant, movement: Movement): CreditTransaction {
  const made = newTransaction(world, grant, movement)
  creditTransactions(world).put(made.id, made)
  emit(world, 'billing.credit_balance_transaction.created', made)
  return made
}

function planExpiry(world: StripeWorld, { id, expires_at: at, voided_at: voided }: CreditGrant): void {
  unschedule(world, 'expire_credit', id)
  if (at !== null && voided === null && at > seconds(world)) {
    schedule(world, { kind: 'expire_credit', target: id, dueAtMs: at * 1000 })
  }
}

function newGrant(world: StripeWorld, request: GrantRequest) {
  const now = seconds(world)
  return {
    id: newId('credgr_test_', 24),
    object: 'billing.credit_grant' as const,
    amount: moneyOf(request.currency, request.value),
    applicability_config: {
      scope:
        request.prices === null ? { price_type: 'metered' as const } : { prices: request.prices.map((id) => ({ id })) },
    } as { readonly scope: { readonly price_type?: 'metered'; readonly prices?: readonly { readonly id: string }[] } },
    category: request.category,
    created: now,
    customer: request.customer,
    customer_account: null,
    effective_at: request.effectiveAt ?? now,
    expires_at: request.expiresAt,
    livemode: false as const,
    metadata: request.metadata,
    name: request.name,
    priority: request.priority,
    test_clock: world.clock,
    updated: now,
    voided_at: null as number | null,
  }
}

function newTransaction(world: StripeWorld, grant: CreditGrant, { credit, debit, value, use, at }: Movement) {
  const now = seconds(world)
  const amount = moneyOf(grant.amount.monetary.currency, value)
  return {
    id: newId('cbtxn_test_', 24),
    object: 'billing.credit_balance_transaction' as const,
    created: now,
    credit:
      credit === undefined
        ? null
        : {
            amount,
            credits_application_invoice_voided: credit === 'credits_application_invoice_voided' ? (use ?? null) : null,
            type: credit,
          },
    credit_grant: grant.id,
    debit: debit === undefined ? null : { amount, credits_applied: use ?? null, type: debit },
    effective_at: at ?? now,
    livemode: false as const,
    test_clock: world.clock,
    type: credit === undefined ? ('debit' as const) : ('credit' as const),
  }
}

export function moneyOf(currency: string, value: number) {
  return { monetary: { currency, value }, type: 'monetary' as const }
}
