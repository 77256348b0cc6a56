import * as z from 'zod'
import { attributionFields } from './attribution.js'
import { accountId, idempotencyKey, idField, meterName, readQuantity, readTime } from './fields.js'
import { leaseTokenField } from './lease-token.js'
import { measureFields } from './measure.js'
import { measureFromZero, noDimensions, oneOf, plainly } from './plain-input.js'

/** One fact of consumption, parsed. */
export type UsageRequest = z.output<typeof usageSchema>

const usageSchema = z.strictObject({
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

/** Parses usage. @throws BillingError the one that the field deserves */
export const parseUsage = plainly(usageSchema, {
  readers: {
    occurredAt: (value) => readTime(value, 'occurredAt'),
    onInsufficient: oneOf('record', 'refuse'),
    quantity: measureFromZero.quantity,
    transaction: (value) => (isObject(value) ? value : undefined),
  },
  required: ['accountId', 'idempotencyKey', 'meter'],
  defaults: { dimensions: noDimensions, onInsufficient: 'record' },
})

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
