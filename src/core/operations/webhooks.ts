import type { BillingContext } from '../context.js'
import { retryDelay } from '../delivery/retry.js'
import { isStorable, storable } from '../domain/storable-text.js'
import { BillingError, type ErrorCode } from '../errors.js'
import { inTime, type Lifetime } from '../lifetime.js'
import type { WebhookRequest } from '../ports/capabilities/webhooks.js'
import type { ClaimedInboxEvent } from '../ports/store.js'

/** A webhook request as a web framework has it; the body must be the bytes as they came. */
export interface WebhookInput {
  readonly rawBody: Uint8Array | string
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
}

/** What to answer: 200. `applied` resolves when its effect was tried too, for hosts that end after the response. */
export interface HandledWebhook {
  readonly received: true
  /** Whether it was known already. */
  readonly duplicate: boolean
  readonly applied: Promise<void>
}

/**
 * Takes a webhook: checks it on its raw bytes, stores it once, and only then says so; its effect follows by reading the provider's
 * object again.
 *
 * @throws BillingError `webhook_signature_invalid`, `webhook_timestamp_out_of_tolerance`, `webhook_payload_invalid`, `not_found` (no such
 * provider), `storage_unavailable`, `overloaded` (1,000 are being taken in already): answer with its `httpStatus`, and the provider sends it again where that makes sense
 * @example
 * app.post('/webhooks/stripe', express.raw({ type: 'application/json' }), async (request, response) => {
 *   await billing.webhooks.handle('stripe', { rawBody: request.body, headers: request.headers })
 *   response.sendStatus(200)
 * })
 */
export async function handleWebhook(
  ctx: BillingContext,
  providerId: string,
  input: WebhookInput,
): Promise<HandledWebhook> {
  const provider = ctx.roles.all.get(providerId)
  if (!provider?.webhooks) throw new BillingError('not_found', 'No provider with this id takes webhooks.')
  const { webhooks } = provider
  const { created } = await ctx.intake.take(async () => {
    const event = await webhooks.verify(requestOf(input), ctx.environment.now())
    if (![event.eventId, event.type, event.payload].every(isStorable))
      throw new BillingError('webhook_payload_invalid', 'The webhook holds NUL, or half of a surrogate pair.')
    return ctx.store.inbox.accept({ provider: provider.id, ...event })
  })
  return { received: true, duplicate: !created, applied: ctx.intake.drain() }
}

const leaseMs = 60_000
/** How long one event may take: a batch of them is settled while its claim holds. */
const attemptMs = 25_000
/** After so many failures that no outage explains an event is given up. */
const attemptsBeforeDead = 12
/** And after this time in any case: the provider has had its 200 and will not send it again. */
const patienceMs = 72 * 3_600_000
/** What no repetition makes better: somebody has to look. */
const finalCodes: ReadonlySet<ErrorCode> = new Set(['checkout_mismatch', 'webhook_payload_invalid'])

/** Applies events that are due. @returns how many were tried */
export async function applyInbox(ctx: BillingContext, lifetime: Lifetime): Promise<number> {
  let tried = 0
  while (!lifetime.stopping.aborted) {
    const events = await ctx.store.inbox.claim({ limit: 2, leaseMs })
    for (const event of events) await applyEvent(ctx, lifetime, event)
    tried += events.length
    if (events.length === 0) break
  }
  return tried
}

async function applyEvent(ctx: BillingContext, lifetime: Lifetime, event: ClaimedInboxEvent): Promise<void> {
  const { provider, eventId, fence, attempts } = event
  const settle = (status: 'pending' | 'applied' | 'dead', error: string | null) => {
    const retryInMs = status === 'pending' ? retryDelay(ctx, attempts) : null
    return ctx.store.inbox.settle({ provider, eventId, fence, status, retryInMs, error })
  }
  try {
    const isDone = await inTime(lifetime, attemptMs, async (signal) => {
      const { applyWebhook } = await import('../provider-operations.js')
      await applyWebhook(ctx, event, signal)
      return true
    })
    if (!isDone) throw new BillingError('provider_timeout', `Applying webhook ${eventId} of ${provider} took too long.`)
    await settle('applied', null)
  } catch (error) {
    ctx.environment.onError(error, `webhook ${eventId} of ${provider}`)
    await settle(
      isHopeless(ctx, event, error) ? 'dead' : 'pending',
      storable(error instanceof Error ? error.message : String(error)),
    )
  }
}

/** An outage, ours or the provider's, is waited out. */
function isHopeless(ctx: BillingContext, { attempts, receivedAt }: ClaimedInboxEvent, error: unknown): boolean {
  if (ctx.environment.now() - receivedAt >= patienceMs) return true
  if (!BillingError.is(error)) return attempts >= attemptsBeforeDead
  if (finalCodes.has(error.code)) return true
  const isOutage = error.retryable || error.code === 'provider_authentication' || error.code === 'capability_missing'
  return !isOutage && attempts >= attemptsBeforeDead
}

/** The request as it is now: what is checked and what is stored must not change in between. */
function requestOf(input: WebhookInput): WebhookRequest {
  const { rawBody, headers } = input ?? {}
  if (typeof headers !== 'object' || headers === null)
    throw new BillingError('config_invalid', 'Hand the headers of the webhook over too: they carry its signature.')
  if (typeof rawBody === 'string') return { rawBody: new TextEncoder().encode(rawBody), headers: headersOf(headers) }
  if (rawBody instanceof Uint8Array) return { rawBody: new Uint8Array(rawBody), headers: headersOf(headers) }
  if (rawBody === undefined || rawBody === null)
    throw new BillingError(
      'webhook_payload_invalid',
      'The webhook has no body. If it had one, mount the route with the raw body.',
    )
  throw new BillingError(
    'config_invalid',
    'The webhook body was parsed before it got here: mount the route with the raw body.',
  )
}

function headersOf(headers: WebhookInput['headers']): ReadonlyMap<string, string> {
  const entries: [string, unknown][] = headers instanceof Headers ? [...headers] : Object.entries(headers)
  return new Map(
    entries.flatMap(([name, value]): [string, string][] => {
      const text = Array.isArray(value) ? value.join(',') : value
      return typeof text === 'string' ? [[name.toLowerCase(), text]] : []
    }),
  )
}
