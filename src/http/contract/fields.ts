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

/** What a route may answer instead whoever asks for it. */
export const problemsOfAll = {
  429: wrong('It was asked too often: `Retry-After` says when again.'),
  500: wrong('Something is wrong here; the request id says to operators what.'),
  503: wrong('Something that it needs is away, or it is not known what came of it: ask again with the same key.'),
} as const

/** What every route may answer instead. */
export const problems = {
  400: wrong('The request is wrong: `code` and `errors` say what.'),
  401: wrong('Nobody is signed in.'),
  403: wrong('The caller may not do this.'),
  404: wrong('It is not there, or not the caller’s.'),
  ...problemsOfAll,
} as const

/** What a route that asks a provider may answer, or that is there only for some. */
export const providerProblems = {
  501: wrong('No provider does this here.'),
  502: wrong('The provider refused it, or answered what nobody understands.'),
  504: wrong('The provider did not answer in time.'),
} as const

/** What a route that takes a body may answer instead of reading it. */
export const bodyProblems = {
  408: wrong('The body did not come in time.'),
  413: wrong('The body, or a batch in it, is too large.'),
  415: wrong('The body is no JSON, or packed.'),
} as const

/** What a route that changes something may answer instead. */
export const changeProblems = {
  402: wrong('Credits or a payment do not suffice: `remedies` says what would.'),
  409: wrong('It does not fit how things stand.'),
  422: wrong('The `Idempotency-Key` was used for something else.'),
} as const

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  body: { required: true, content: { 'application/json': { schema } } },
})
