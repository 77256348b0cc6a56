import { BillingError } from '../../core/errors.js'
import type { CallOptions } from '../../core/ports/call-options.js'

const minuteMs = 60_000

/**
 * Creates what must exist once and can be found again by an id of ours that it carries. Stripe answers a 5xx again under the same key
 * for a day, so after one, what was made all the same is looked for; if there is nothing, the create is sent once more under a key that
 * all callers of this minute share. A repeat is then held up for a minute instead of a day. Nothing of this is done for an answer that
 * was lost: there the same key is right.
 *
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export async function createOnce<Made>(
  options: CallOptions,
  create: (options: CallOptions) => Promise<Made>,
  find: () => Promise<Made | undefined>,
): Promise<Made> {
  try {
    return await create(options)
  } catch (error) {
    if (!isServerError(error)) throw error
    const made = await find().catch(() => {
      throw error
    })
    if (made !== undefined) return made
    const minute = Math.floor(Date.now() / minuteMs)
    return create({ ...options, idempotencyKey: `${options.idempotencyKey}:${minute}` })
  }
}

function isServerError(error: unknown): boolean {
  return BillingError.is(error) && error.code === 'outcome_unknown' && Number(error.details.status) >= 500
}
