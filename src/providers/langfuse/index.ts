import * as z from 'zod'
import { BillingError } from '../../core/errors.js'
import type { Provider } from '../../core/ports/provider.js'
import { spanSender } from './send.js'
import { langfuseTracing } from './tracing.js'

export { spanIds as langfuseIds } from './span.js'

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
  /** The provider's name in your config and in stored records. Default `langfuse`. */
  readonly id?: string
}

export type LangfuseProvider = Provider<'tracing'>

/**
 * Langfuse as a provider.
 *
 * @example
 * const langfuse = langfuseProvider({ baseUrl: 'https://cloud.langfuse.com', publicKey, secretKey })
 * @throws BillingError `config_invalid`
 */
export function langfuseProvider(options: LangfuseProviderOptions): LangfuseProvider {
  const settings = parseOptions(options)
  const send = spanSender({ ...settings, fetch: options.fetch })
  return { id: settings.id, tracing: langfuseTracing(send, settings.environment) }
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
