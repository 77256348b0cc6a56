import { createGateway, type Gateway } from 'billfold/gateway'
import type { ParrotBilling } from './billing.js'

/** Who answers, and under which key: OpenAI, or whoever speaks as it does. */
export interface Upstream {
  readonly baseURL: string
  readonly apiKey: string
}

/**
 * Parrot's models for the vendors' own clients, paid by the account whose key calls. What a call may cost at most is held before it is
 * forwarded, so that no number of calls at once uses more than there is.
 */
export function createParrotGateway(billing: ParrotBilling, origin: string, upstream: Upstream): Gateway {
  return createGateway(billing, {
    meter: 'ai_tokens',
    basePath: '/gateway',
    // The keys that people make for themselves in the playground.
    scope: 'usage:write',
    upstreams: [
      {
        provider: 'openai',
        ...upstream,
        // What customers know as Parrot's; give `name` for what your upstream calls it.
        models: {
          'parrot-mini': { maximumOutputTokens: 1_000, contextTokens: 128_000 },
          'parrot-large': { maximumOutputTokens: 4_000, contextTokens: 128_000 },
        },
      },
    ],
    topUpUrl: `${origin}/settings/billing`,
  })
}
