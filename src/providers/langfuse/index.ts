import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { Provider } from '../../core/ports/provider.js'
import { type LegacyLangfuseReader, legacyLangfuseTraces } from './legacy-traces.js'
import { markTraces } from './mark.js'
import { spanSender } from './send.js'
import { type LangfuseReader, langfuseTraces } from './traces.js'
import { langfuseTracing } from './tracing.js'

export type { LegacyLangfuseReader } from './legacy-traces.js'
export { spanIds as langfuseIds } from './span.js'
export type { LangfuseReader } from './traces.js'

/** Langfuse: shows usage as traces with their cost. Made for Langfuse 4 and its cloud; see docs/providers/langfuse.md. */
export interface LangfuseProviderOptions {
  /** Such as `https://cloud.langfuse.com`. */
  readonly baseUrl: string
  /** `pk-lf-…` of the project. */
  readonly publicKey: string
  /** `sk-lf-…` of the project. */
  readonly secretKey: string
  /** Langfuse environment of what is written: lower-case letters, digits, `-`, `_`. Default: Langfuse's own, `default`. */
  readonly environment?: string
  /** Default: the global one. */
  readonly fetch?: typeof fetch
  /** How long one request may take, its answer included. Default 10 000. */
  readonly timeoutMs?: number
  /** The provider's name in your config and in stored records, for ever: what is pulled is known by it. Default `langfuse`. */
  readonly id?: string
}

/** A client to read with: then traces can be pulled. */
export type LangfuseReaderOptions =
  | {
      /** Your `LangfuseClient` of `@langfuse/client`, for Langfuse 4 and its cloud. */
      readonly client: LangfuseReader
      /** Metadata that `pull.accountOf` reads and that may be longer than 200 characters: Langfuse cuts what is not named. */
      readonly expandMetadata?: readonly string[]
    }
  | {
      /** Your `Langfuse` of `langfuse` 3, for self-hosted Langfuse 3. */
      readonly legacyClient: LegacyLangfuseReader
    }

export type LangfuseProvider = Provider<'tracing'>
export type ReadingLangfuseProvider = Provider<'tracing' | 'traces'>

/**
 * Langfuse as a provider; with a client, one whose traces can be read.
 *
 * @example
 * const langfuse = langfuseProvider({ baseUrl: 'https://cloud.langfuse.com', publicKey, secretKey })
 * @throws BillingError `config_invalid`
 */
export function langfuseProvider(options: LangfuseProviderOptions & LangfuseReaderOptions): ReadingLangfuseProvider
export function langfuseProvider(options: LangfuseProviderOptions): LangfuseProvider
export function langfuseProvider(
  options: LangfuseProviderOptions & Partial<Record<'client' | 'legacyClient' | 'expandMetadata', unknown>>,
): LangfuseProvider | ReadingLangfuseProvider {
  const settings = { ...parseOptions(options), fetch: options.fetch }
  const writing = { id: settings.id, tracing: langfuseTracing(spanSender(settings), settings.environment) }
  const reader = options as Partial<{ client: LangfuseReader; legacyClient: LegacyLangfuseReader }>
  if (reader.client && reader.legacyClient)
    throw new BillingError('config_invalid', 'langfuseProvider(): give client or legacyClient, not both.')
  const list = reader.client
    ? langfuseTraces(reader.client, settings.timeoutMs, settings.expandMetadata)
    : reader.legacyClient && legacyLangfuseTraces(reader.legacyClient)
  return list ? { ...writing, traces: { ...list, mark: markTraces(settings) } } : writing
}

/** Keys go into a Basic header: visible ASCII, and no colon in the first. */
const keySchema = z.string().regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters')

const optionsSchema = z.object({
  baseUrl: z
    .url({ protocol: /^https?$/, error: 'must be an http(s) URL' })
    .refine((url) => !/[?#]/.test(url), 'must have no query')
    .transform((url) => url.replace(/\/+$/, '')),
  publicKey: keySchema.refine((key) => !key.includes(':'), 'must have no colon'),
  secretKey: keySchema,
  // https://langfuse.com/docs/observability/features/environments
  environment: z
    .string()
    .max(40)
    .regex(/^(?!langfuse)[a-z0-9_-]+$/, 'must be lower-case letters, digits, - and _, and not begin with langfuse')
    .optional(),
  expandMetadata: z.array(z.string().regex(/^[^,\s][^,]{0,199}$/, 'must be names without commas')).default([]),
  timeoutMs: z.int().min(1).max(600_000).default(10_000),
  id: z.string().min(1).default('langfuse'),
})

function parseOptions(options: LangfuseProviderOptions) {
  const parsed = optionsSchema.safeParse(options)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const option = issue?.path.join('.') ?? ''
  throw new BillingError('config_invalid', `langfuseProvider(): ${option} ${issue?.message ?? 'is invalid'}.`, {
    details: { option },
  })
}
