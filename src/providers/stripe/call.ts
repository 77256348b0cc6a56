import type Stripe from 'stripe'
import type * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'
import { toBillingError } from './errors.js'

type Send<Answer> = (client: Stripe, request: Stripe.RequestOptions) => Promise<Answer>

/** The one door to the SDK: sets the idempotency key, minds the abort signal, and turns failures into `BillingError`s. */
export interface StripeCall {
  read<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
  /**
   * Creates something that must exist once.
   *
   * @throws BillingError `idempotency_key_required`: without a key the SDK invents one, and a repeat makes a second object
   */
  create<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
  /** A write that does no harm when it is repeated. */
  write<Answer>(options: CallOptions, send: Send<Answer>): Promise<Answer>
}

export function stripeCall(client: Stripe): StripeCall {
  const through = async <Answer>(
    effect: 'read' | 'write',
    options: CallOptions,
    send: Send<Answer>,
  ): Promise<Answer> => {
    refuseAborted(options.signal)
    const { idempotencyKey } = options
    const request = effect === 'write' && idempotencyKey !== undefined ? { idempotencyKey } : {}
    try {
      return await untilAborted(send(client, request), options.signal)
    } catch (error) {
      throw toBillingError(error, effect)
    }
  }
  return {
    read: (options, send) => through('read', options, send),
    write: (options, send) => through('write', options, send),
    async create(options, send) {
      if (options.idempotencyKey) return through('write', options, send)
      throw new BillingError(
        'idempotency_key_required',
        'Stripe creates something twice when it is asked twice: give a key.',
      )
    },
  }
}

/**
 * The fields we use of an answer; the rest is tolerated.
 *
 * @throws BillingError `provider_response_invalid`; its outcome is `unknown`, since an answer came and may follow an effect
 */
export function parseAnswer<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const parsed = schema.safeParse(answer)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new BillingError('provider_response_invalid', 'Stripe answered in a shape that is not understood.', {
    details: { provider: 'stripe', path: issue?.path.join('.') ?? '', problem: issue?.message ?? '' },
    outcome: 'unknown',
  })
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return
  throw new BillingError('provider_timeout', 'Nothing was sent to Stripe: the call was aborted before.', {
    cause: signal.reason,
  })
}

/** The SDK takes no signal, so an aborted call is left to run out by itself: nobody knows what became of it. */
async function untilAborted<Answer>(answer: Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer> {
  if (signal === undefined) return answer
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(new Error('The call was aborted.', { cause: signal.reason }))
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([answer, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
