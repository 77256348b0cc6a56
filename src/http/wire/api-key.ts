import type { z } from '@hono/zod-openapi'
import type { ApiKeyBudgetInput, ApiKeyView, IssuedApiKey } from '../../index.js'
import type { apiKey, issueApiKeyRequest, issuedApiKey } from '../contract/api-key.js'
import { budgetJson } from './credit.js'
import { isoOrNull } from './wire.js'

export function apiKeyJson(key: ApiKeyView): z.output<typeof apiKey> {
  return {
    id: key.id,
    name: key.name,
    scopes: [...key.scopes],
    status: key.status,
    hint: key.hint,
    open_secrets: key.openSecrets,
    budget: key.budget && budgetJson(key.budget),
    top_ups_raise_budget: key.topUpsRaiseBudget,
    created_at: key.createdAt.toISOString(),
    expires_at: isoOrNull(key.expiresAt),
    revoked_at: isoOrNull(key.revokedAt),
    last_used_at: isoOrNull(key.lastUsedAt),
  }
}

export function issuedJson(key: IssuedApiKey): z.output<typeof issuedApiKey> {
  return { ...apiKeyJson(key), result: key.result, secret: key.secret }
}

/** What a budget is set to, without the names that were left out. */
export function budgetTerms(
  budget: Omit<NonNullable<z.output<typeof issueApiKeyRequest>['budget']>, 'limit'>,
): Omit<ApiKeyBudgetInput, 'limit'> {
  const { interval, top_ups_raise_budget: topUpsRaiseBudget } = budget
  return {
    ...(interval === undefined ? {} : { interval }),
    ...(topUpsRaiseBudget === undefined ? {} : { topUpsRaiseBudget }),
  }
}
