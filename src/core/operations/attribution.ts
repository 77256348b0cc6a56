import * as z from 'zod'
import { idField, readDimensions } from './fields.js'

/** Who and what within an account something was used for. */
export interface AttributionInput {
  /** The API key it was used with; kept as the dimension `api_key`. */
  readonly apiKeyId?: string
  /** The person it was used by; kept as the dimension `user`. */
  readonly userId?: string
  /** Facts to group by: at most 50 names of 40 characters, values of 500. Budgets may be set on some of them. */
  readonly dimensions?: Readonly<Record<string, string>>
}

/** The fields of an attribution, for the operations that take one. */
export const attributionFields = {
  apiKeyId: idField('apiKeyId').optional(),
  userId: idField('userId').optional(),
  dimensions: z
    .unknown()
    .optional()
    .transform((value) => (value === undefined ? {} : readDimensions(value))),
}

/** All dimensions of an attribution. */
export function dimensionsOf({
  apiKeyId,
  userId,
  dimensions,
}: {
  readonly apiKeyId?: string | undefined
  readonly userId?: string | undefined
  readonly dimensions: Readonly<Record<string, string>>
}): Readonly<Record<string, string>> {
  if (apiKeyId === undefined && userId === undefined) return dimensions
  const all: Record<string, string> = { ...dimensions }
  if (apiKeyId !== undefined) all.api_key = apiKeyId
  if (userId !== undefined) all.user = userId
  return all
}
