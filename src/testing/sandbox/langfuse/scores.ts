import * as z from 'zod'
import type { Table } from '../journal.js'

/** A score of a trace or an observation, as it was given. */
export type StoredScore = z.output<typeof scoreSchema> & { readonly id: string }

const scoreSchema = z
  .object({
    id: z.string().nullish(),
    traceId: z.string().nullish(),
    observationId: z.string().nullish(),
    sessionId: z.string().nullish(),
    datasetRunId: z.string().nullish(),
    name: z.string().min(1),
    value: z.union([z.number(), z.string()]),
    dataType: z.enum(['NUMERIC', 'BOOLEAN', 'CATEGORICAL', 'TEXT']).nullish(),
    comment: z.string().nullish(),
    metadata: z.record(z.string(), z.unknown()).nullish(),
    environment: z.string().nullish(),
  })
  .refine(({ traceId, sessionId, datasetRunId }) => traceId || sessionId || datasetRunId, {
    error: 'a score is of a trace, a session or a dataset run',
  })
  .refine(({ dataType, value }) => dataType !== 'BOOLEAN' || value === 0 || value === 1, {
    error: 'a boolean is 0 or 1',
  })

/** Stores a score; one with the same id replaces the one before. */
export function putScore(
  table: Table<StoredScore>,
  body: unknown,
): { readonly id: string } | { readonly problem: string } {
  const parsed = scoreSchema.safeParse(body)
  if (!parsed.success) return { problem: z.prettifyError(parsed.error) }
  const id = parsed.data.id ?? crypto.randomUUID()
  table.put(id, { ...parsed.data, id })
  return { id }
}
