import { z } from '@hono/zod-openapi'
import { creditBalance } from '../contract/credit.js'
import { money, pageQuery, time, timeOrNull } from '../contract/fields.js'
import { payment } from '../contract/payment.js'

const param = (name: string, example: string) => z.string().openapi({ param: { name, in: 'path' }, example })
const account = param('account_id', 'acme')

export const accountPath = z.strictObject({ account_id: account })
export const paymentOfAccountPath = z.strictObject({ account_id: account, payment_id: param('payment_id', 'pi_1') })
export const keyOfAccountPath = z.strictObject({ account_id: account, key_id: param('key_id', 'key_1') })

export const adminAccount = z
  .object({
    id: z.string(),
    email: z.string().nullable(),
    name: z.string().nullable(),
    plan: z.string(),
    zone: z.string(),
    status: z.enum(['active', 'suspended']),
    suspended_for: z.string().nullable(),
    customers: z.array(z.object({ provider: z.string(), customer_id: z.string() })),
    balance: creditBalance,
    created_at: time,
  })
  .openapi('OperatedAccount')

export const accountsQuery = z.strictObject({ email: z.string().max(254) })
export const adminAccounts = z.object({ results: z.array(adminAccount) }).openapi('OperatedAccounts')

export const eraseRequest = z
  .strictObject({
    reason: z.string().min(1).max(500),
    customers: z
      .enum(['unlink', 'delete'])
      .optional()
      .openapi({ description: 'What becomes of its customers at providers.' }),
  })
  .openapi('EraseAccountRequest')

export const erasedAccount = z
  .object({
    ...adminAccount.shape,
    erased_customers: z.array(
      z.object({ provider: z.string(), customer_id: z.string(), result: z.enum(['unlinked', 'deleted']) }),
    ),
  })
  .openapi('ErasedAccount')

export const waitingPage = z
  .object({
    results: z.array(z.object({ ...payment.shape, account: z.string() }).openapi('WaitingPayment')),
    next: z.string().nullable(),
    previous: z.null(),
  })
  .openapi('WaitingPaymentPage')

const reason = z.string().min(1).max(500)
const sparks = z.string().max(60).openapi({ description: 'Sparks as decimal text.', example: '12500' })

export const revokeRequest = z.strictObject({}).openapi('RevokeApiKeyRequest')
export const reasonRequest = z.strictObject({ reason }).openapi('ReasonRequest')

export const grantRequest = z
  .strictObject({
    amount: sparks,
    reason,
    kind: z.enum(['promotional', 'paid']).optional(),
    priority: z.int().min(-1000).max(1000).optional(),
    expires_at: z.string().max(40).optional(),
  })
  .openapi('GrantCreditsRequest')

export const adjustRequest = z
  .strictObject({ amount: sparks.optional(), reverses: z.string().max(128).optional(), reason })
  .openapi('AdjustCreditsRequest')

export const creditChange = z
  .object({
    id: z.string(),
    status: z.enum(['recorded', 'duplicate']),
    amount: z.string(),
    balance: z.string(),
    debt: z.string(),
  })
  .openapi('CreditChange')

const amount = z.string().max(60).optional().openapi({ description: 'Decimal text in the currency of the payment.' })

export const approveRequest = z.strictObject({ amount }).openapi('ApprovePaymentRequest')
export const refundRequest = z.strictObject({ amount, reason }).openapi('RefundPaymentRequest')

export const refund = z
  .object({
    id: z.string(),
    payment_id: z.string(),
    status: z.string(),
    amount: money,
    currency: z.string(),
    created_at: time,
  })
  .openapi('Refund')

export const syncStatus = z
  .object({
    deliveries: z.array(z.object({ destination: z.string(), status: z.string(), count: z.int() })),
    webhooks: z.array(z.object({ status: z.string(), count: z.int() })),
  })
  .openapi('SyncStatus')

/** Everything that was given up, or some of it: see `sync.replay`. */
export const replayRequest = z
  .strictObject({
    kind: z.enum(['webhooks', 'deliveries', 'delivery']).optional(),
    provider: z.string().max(60).optional(),
    event_id: z.string().max(255).optional(),
    destination: z.string().max(200).optional(),
    account: z.string().max(128).optional(),
    id: z.string().max(300).optional(),
  })
  .openapi('ReplayRequest')

export const replayed = z.object({ webhooks: z.int(), deliveries: z.int() }).openapi('Replayed')

export const reconcileRequest = z
  .strictObject({
    account: z.string().max(128).optional(),
    from: z.string().max(40).optional(),
    to: z.string().max(40).optional(),
    repair: z.boolean().optional(),
  })
  .openapi('ReconcileRequest')

export const reconciliation = z
  .object({
    from: time,
    to: time,
    checked: z.record(z.string(), z.int()),
    uncertain: z.object({ delivered: z.int(), resent: z.int() }),
    differences: z.array(
      z.object({
        kind: z.string(),
        subject: z.string(),
        provider: z.string(),
        account: z.string().nullable(),
        id: z.string(),
        duplicate_of: z.string().nullable(),
        expected: z.string(),
        found: z.string(),
        at: time,
        is_repaired: z.boolean(),
      }),
    ),
    failures: z.array(z.object({ account: z.string(), provider: z.string(), code: z.string() })),
  })
  .openapi('Reconciliation')

export const auditQuery = z.strictObject({ ...pageQuery, account: z.string().max(128).optional() })

export const auditPage = z
  .object({
    results: z.array(
      z.object({
        id: z.string(),
        actor: z.string(),
        action: z.string(),
        account: z.string().nullable(),
        facts: z.record(z.string(), z.string()),
        request_id: z.string().nullable(),
        outcome: z.enum(['done', 'refused', 'unknown']),
        code: z.string().nullable(),
        asked_at: time,
        ended_at: timeOrNull,
      }),
    ),
    next: z.string().nullable(),
    previous: z.null(),
  })
  .openapi('AuditPage')
