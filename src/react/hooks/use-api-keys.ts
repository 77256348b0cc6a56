import type { ApiKey, IssuedApiKey } from '../../client/client.js'
import { type ReadList, type ReadOptions, useReadList } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** Keys of the account, newest first, those that have ended too. */
export function useApiKeys(options: ReadOptions = {}): ReadList<ApiKey> {
  return useReadList((queries) => queries.apiKeys(), options)
}

const changes = ['apiKeys'] as const

/** Makes a key; its secret is in what is answered, and nowhere else. */
export function useIssueApiKey(organizationId?: string): Write<
  {
    readonly name: string
    readonly scopes: readonly string[]
    readonly budget?: { readonly limit: string; readonly interval: 'month' }
  },
  IssuedApiKey
> {
  return useWrite({ write: (client, key, given) => client.apiKeys.issue(key, given), changes }, organizationId)
}

const dayInSeconds = 86_400

/** Gives a key another secret, by its id; the one before goes on for a day. */
export function useRotateApiKey(organizationId?: string): Write<string, IssuedApiKey> {
  return useWrite(
    { write: (client, id, given) => client.apiKeys.rotate(id, { overlap_seconds: dayInSeconds }, given), changes },
    organizationId,
  )
}

/** Ends a key at once, by its id. */
export function useRevokeApiKey(organizationId?: string): Write<string, ApiKey> {
  return useWrite({ write: (client, id, given) => client.apiKeys.revoke(id, given), changes }, organizationId)
}
