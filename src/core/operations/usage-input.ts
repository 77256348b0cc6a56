import * as z from 'zod'
import { checkId, checkIdempotencyKey } from '../domain/ids.js'
import type { Mutable } from '../domain/mutable.js'
import type { ServiceTier } from '../domain/rating/price-book.js'
import { attributionFields } from './attribution.js'
import {
  accountId,
  idempotencyKey,
  idField,
  meterName,
  parse,
  readCost,
  readDimensions,
  readQuantity,
  readTime,
  readTokens,
} from './fields.js'
import { isLeaseToken, type LeaseShare, leaseTokenField } from './lease-token.js'
import { measureFields } from './measure.js'

/** One fact of consumption, parsed. */
export type UsageRequest = z.output<typeof usageSchema>

export const usageSchema = z.strictObject({
  accountId,
  meter: meterName,
  ...measureFields,
  // A level may be none at all; of what is used, the rate says that it must be something.
  quantity: z
    .unknown()
    .transform((value) => readQuantity(value, 'zero'))
    .optional(),
  idempotencyKey,
  occurredAt: z
    .unknown()
    .transform((value) => readTime(value, 'occurredAt'))
    .optional(),
  ...attributionFields,
  holdId: idField('holdId').optional(),
  transaction: z.custom<object>(isObject, 'must be a client of the store’s database, in a transaction').optional(),
  leaseToken: leaseTokenField,
  onInsufficient: z.enum(['record', 'refuse']).default('record'),
})

/**
 * Parses usage. What is plainly right, which is nearly all of it, is read field by field; everything else goes through the schema, which
 * says what is wrong with it. Both read the same fields with the same readers.
 *
 * @throws BillingError the one that the field deserves
 */
export function parseUsage(input: unknown): UsageRequest {
  return readPlainUsage(input) ?? parse(usageSchema, input)
}

/** The usage, if it is plainly right; `null` for whatever needs a closer look. */
export function readPlainUsage(input: unknown): UsageRequest | null {
  if (typeof input !== 'object' || input === null || Object.getPrototypeOf(input) !== Object.prototype) return null
  const request: Partial<Mutable<UsageRequest>> = {}
  try {
    for (const name of Object.keys(input)) {
      const value: unknown = input[name as keyof typeof input]
      if (value === undefined ? !(name in usageSchema.shape) : !readField(request, name, value)) return null
    }
  } catch {
    return null
  }
  if (request.accountId === undefined || request.meter === undefined || request.idempotencyKey === undefined)
    return null
  request.dimensions ??= {}
  request.onInsufficient ??= 'record'
  return request as UsageRequest
}

const plainText = /^[\x21-\x7e][\x20-\x7e]{0,59}$/
const tiers: ReadonlySet<unknown> = new Set<ServiceTier>(['standard', 'batch', 'priority'])

/** Reads one field. @returns whether it could be; may throw what its reader throws */
function readField(request: Partial<Mutable<UsageRequest>>, name: string, value: unknown): boolean {
  switch (name) {
    case 'accountId':
    case 'holdId':
    case 'apiKeyId':
    case 'userId':
      request[name] = checkId(value, name)
      return true
    case 'meter':
    case 'model':
    case 'provider':
      if (typeof value !== 'string' || !plainText.test(value)) return false
      request[name] = value
      return true
    case 'quantity':
      request.quantity = readQuantity(value, 'zero')
      return true
    case 'tokens':
      request.tokens = readTokens(value)
      return true
    case 'costUsd':
      request.costUsd = readCost(value)
      return true
    case 'serviceTier':
      if (!tiers.has(value)) return false
      request.serviceTier = value as ServiceTier
      return true
    case 'idempotencyKey':
      request.idempotencyKey = checkIdempotencyKey(value)
      return true
    case 'occurredAt':
      request.occurredAt = readTime(value, name)
      return true
    case 'dimensions':
      request.dimensions = readDimensions(value)
      return true
    case 'onInsufficient':
      if (value !== 'record' && value !== 'refuse') return false
      request.onInsufficient = value
      return true
    case 'transaction':
      if (!isObject(value)) return false
      request.transaction = value
      return true
    case 'leaseToken':
      if (!isLeaseToken(value)) return false
      request.leaseToken = value as LeaseShare
      return true
    default:
      return false
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
