import { BillingError } from '../../core/errors.js'
import { systemClock } from '../door/pace.js'
import { readError } from './read-error.js'

const maximumAttempts = 3
/** What is asked for beyond it is for whoever reads again later: nobody is kept waiting that long. */
const patienceMs = 10_000
const firstWaitMs = 500

/**
 * Reads what Langfuse could not answer for the moment again, after the time that it asks for. Its client would take a longer time for a
 * minute, ask too early, and go on waiting after it was told to stop.
 *
 * @throws BillingError with `retryAfterMs` in its details where Langfuse named a time
 */
export async function readAgain<Answer>(read: () => PromiseLike<Answer>, signal?: AbortSignal): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await read()
    } catch (cause) {
      const error = readError(cause)
      const waitMs = Number(error.details.retryAfterMs ?? firstWaitMs * 2 ** (attempt - 1))
      const isOver = attempt === maximumAttempts || waitMs > patienceMs || signal?.aborted
      if (isOver || !BillingError.is(error) || error.code !== 'provider_unavailable') throw error
      await systemClock.sleep(waitMs, signal)
    }
  }
}
