import type { ApiKeyRecord } from '../../core/ports/store.js'
import { flag, json, nullable, number, rows, text } from './column.js'

const changing = { secrets: json<ApiKeyRecord['secrets']>(), topUpsRaiseBudget: flag, revokedAt: nullable(number) }

export const apiKeyRows = rows<ApiKeyRecord>('api_keys', ['id'], {
  id: text(),
  accountId: text(),
  name: text(),
  scopes: json(),
  ...changing,
  fingerprint: text(),
  createdAt: number,
  expiresAt: nullable(number),
  lastUsedAt: nullable(number),
})

/** What a change writes: when the key was used last is somebody else's to say. */
export const changedApiKeyRows = rows<Pick<ApiKeyRecord, 'id' | keyof typeof changing>>('api_keys', ['id'], {
  id: text(),
  ...changing,
})
