import type { TracesCapability } from '../../core/ports/capabilities/traces.js'
import { readError, refusedRead } from './read-error.js'
import type { SendSettings } from './send.js'

const atOnce = 8

/**
 * Marks traces with a score of a name of its own, by which Langfuse can filter. A score with the same id replaces the one before, so a
 * repeat changes nothing; scores are taken by versions 3 and 4 alike.
 *
 * @see https://langfuse.com/docs/evaluation/evaluation-methods/custom-scores
 */
export function markTraces(settings: SendSettings): NonNullable<TracesCapability['mark']> {
  const headers = {
    authorization: `Basic ${btoa(`${settings.publicKey}:${settings.secretKey}`)}`,
    'content-type': 'application/json',
  }
  return async (traceIds, { signal }) => {
    const post = async (traceId: string) => {
      const timeout = AbortSignal.timeout(settings.timeoutMs)
      const score = { id: `billfold-${traceId}`, traceId, name: 'billfold_processed', value: 1, dataType: 'BOOLEAN' }
      let response: Response
      try {
        response = await (settings.fetch ?? fetch)(`${settings.baseUrl}/api/public/scores`, {
          method: 'POST',
          headers,
          body: JSON.stringify(score),
          redirect: 'manual',
          signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        })
        await response.arrayBuffer()
      } catch (error) {
        throw readError(error)
      }
      if (!response.ok) throw refusedRead(response.status, response.headers.get('retry-after'))
    }
    for (let start = 0; start < traceIds.length; start += atOnce)
      await Promise.all(traceIds.slice(start, start + atOnce).map(post))
  }
}
