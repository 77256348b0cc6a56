import type { Instant } from '../../core/domain/period.js'
import type { ApiKeyChange, ApiKeyRecord, ApiKeySecret, NewApiKey } from '../../core/ports/store.js'

/** How many secrets may open a key at the same time: one that is lost on its way is exchanged again, and nobody's is cut off by it. */
const mostSecrets = 5
/** How long a repeat of an exchange is known to be one. */
const rememberedMs = 400 * 86_400_000

/** A key as it is first stored. */
export function addedApiKey({ secret, ...key }: NewApiKey, now: Instant): ApiKeyRecord {
  const first = { ...secret, createdAt: now, expiresAt: null }
  return { ...key, secrets: [first], createdAt: now, revokedAt: null, lastUsedAt: null }
}

/** A key after a change. What has ended stays as it is, and an exchange that was made already, or is one too many, changes nothing. */
export function changedApiKey(before: ApiKeyRecord, change: ApiKeyChange, now: Instant): ApiKeyRecord {
  if (before.revokedAt !== null) return before
  if (change.kind === 'revoke') return { ...before, revokedAt: now }
  if (change.kind === 'budget') return { ...before, topUpsRaiseBudget: change.topUpsRaiseBudget }
  const { secret, overlapMs } = change
  const isOpen = ({ expiresAt }: ApiKeySecret) => expiresAt === null || expiresAt > now
  const isOver = before.expiresAt !== null && before.expiresAt <= now
  const isRepeat = before.secrets.some(({ id }) => id === secret.id)
  // Those that end with this exchange make room for it.
  const open = before.secrets.filter(isOpen).map((each) => endedBy(each, now + overlapMs))
  if (isOver || isRepeat || open.filter(isOpen).length >= mostSecrets) return before
  const remembered = before.secrets.filter((each) => !isOpen(each) && (each.expiresAt ?? now) > now - rememberedMs)
  return { ...before, secrets: [...remembered, ...open, { ...secret, createdAt: now, expiresAt: null }] }
}

function endedBy(secret: ApiKeySecret, at: Instant): ApiKeySecret {
  return secret.expiresAt !== null && secret.expiresAt < at ? secret : { ...secret, expiresAt: at }
}
