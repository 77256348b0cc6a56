import { z } from '@hono/zod-openapi'

/** What a document says of a value; JSON Schema. */
interface Described {
  readonly type?: 'string' | 'integer' | 'object'
  readonly oneOf?: { readonly type: 'string' | 'integer' }[]
  readonly additionalProperties?: { readonly type: 'string' | 'integer'; readonly minimum?: number }
  readonly format?: string
  readonly description?: string
  readonly example?: unknown
}

/**
 * A value that the operation behind a route looks at itself, so that it is refused with the operation's own error. The document says
 * what it should be.
 */
export function checkedByOperation<T>(described: Described): z.ZodType<T> {
  return z.unknown().openapi(described as object) as unknown as z.ZodType<T>
}

/** ISO 8601 with milliseconds, in UTC. */
export const time = z.iso.datetime().openapi({ example: '2026-11-21T09:30:00.000Z' })
export const timeOrNull = time.nullable()
/** An amount of money in whole units of its currency, such as 29.99. */
export const money = z.number().openapi({ example: 29.99 })

export const organizationPath = z.strictObject({
  organization_id: z.string().openapi({ param: { name: 'organization_id', in: 'path' }, example: 'acme' }),
})

/** How much of a list, and from where. */
export const pageQuery = {
  limit: z
    .string()
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: 100, description: 'At most 100; 20 by default.' }),
  cursor: z.string().optional().openapi({ description: 'What the answer before said comes next.' }),
}

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    outcome: z.string(),
    retryable: z.boolean(),
    request_id: z.string(),
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
    remedies: z.unknown().optional(),
  })
  .openapi('Problem')

export const wrong = (description: string) => ({
  description,
  content: { 'application/problem+json': { schema: problem } },
})

/** What every route may answer instead. */
export const problems = {
  400: wrong('The request is wrong: `code` and `errors` say what.'),
  401: wrong('Nobody is signed in.'),
  403: wrong('The caller may not do this.'),
  404: wrong('It is not there, or not the caller’s.'),
  429: wrong('It was asked too often: `Retry-After` says when again.'),
} as const

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})
