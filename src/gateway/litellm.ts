import * as z from 'zod'
import { type BillingCore, BillingError, type Catalog, type MeterName, type RecordUsageInput } from '../index.js'
import { readUsage } from '../prices/read-usage.js'

/** What spend logs are imported as. */
export interface ImportLiteLlmOptions<C extends Catalog = Catalog> {
  /** The meter that usage of models is recorded on; rated by cost. */
  readonly meter: MeterName<C>
  /** Who pays for a row; `null`: nobody, and it is left out. */
  readonly accountOf: (row: LiteLlmRow) => string | null
}

/** What of a row of `LiteLLM_SpendLogs` is read; its own figure of what was spent is not: the price is ours. */
export interface LiteLlmRow {
  readonly request_id: string
  readonly model: string
  readonly custom_llm_provider?: string | null | undefined
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly cache_hit?: string | boolean | null | undefined
  readonly endTime: string | Date
  readonly user?: string | null | undefined
  readonly end_user?: string | null | undefined
  readonly team_id?: string | null | undefined
  /** A digest of the key, as LiteLLM keeps it. */
  readonly api_key?: string | null | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined
}

/** What became of the rows. */
export interface ImportedSpend {
  readonly recorded: number
  /** Imported before. */
  readonly duplicates: number
  /** Without an account, without use, or answered from LiteLLM's own cache. */
  readonly skipped: number
  readonly failed: readonly { readonly row: number; readonly requestId: string | null; readonly error: BillingError }[]
}

const count = z.coerce.number().int().nonnegative().default(0)
const json = z.preprocess((value) => (typeof value === 'string' ? parsed(value) : value), z.looseObject({}).nullish())
const rowSchema = z.looseObject({
  request_id: z.string().min(1).max(200),
  model: z.string().min(1),
  custom_llm_provider: z.string().nullish(),
  prompt_tokens: count,
  completion_tokens: count,
  cache_hit: z.union([z.string(), z.boolean()]).nullish(),
  endTime: z.union([z.string(), z.date()]),
  user: z.string().nullish(),
  end_user: z.string().nullish(),
  team_id: z.string().nullish(),
  api_key: z.string().nullish(),
  metadata: json,
})

/**
 * Records the usage in LiteLLM's spend logs, each request once however often it is imported, at our own prices and when it happened.
 *
 * @param rows of the table `LiteLLM_SpendLogs`, as a database or `/spend/logs` gives them
 */
export async function importLiteLlmSpend<C extends Catalog>(
  billing: Pick<BillingCore<C>, 'recordUsage'>,
  rows: Iterable<unknown> | AsyncIterable<unknown>,
  { meter, accountOf }: ImportLiteLlmOptions<C>,
): Promise<ImportedSpend> {
  const counts = { recorded: 0, duplicates: 0, skipped: 0 }
  const failed: ImportedSpend['failed'][number][] = []
  let number = 0
  for await (const each of rows) {
    number += 1
    let requestId: string | null = null
    try {
      const row = parseRow(each)
      requestId = row.request_id
      const accountId = isServed(row) ? accountOf(row) : null
      if (accountId === null) {
        counts.skipped += 1
        continue
      }
      const { status } = await billing.recordUsage(usageOf(row, accountId, meter) as unknown as RecordUsageInput<C>)
      if (status === 'recorded') counts.recorded += 1
      else counts.duplicates += 1
    } catch (error) {
      if (!BillingError.is(error)) throw error
      failed.push({ row: number, requestId, error })
    }
  }
  return { ...counts, failed }
}

function parseRow(value: unknown): LiteLlmRow {
  const row = rowSchema.safeParse(value)
  if (row.success) return row.data
  const [issue] = row.error.issues
  throw new BillingError('invalid_request', `A spend log's ${issue?.path.join('.')}: ${issue?.message}.`)
}

function isServed({ cache_hit: hit, prompt_tokens: read, completion_tokens: written }: LiteLlmRow): boolean {
  return !/^true$/i.test(String(hit)) && read + written > 0
}

function usageOf(row: LiteLlmRow, accountId: string, meter: string) {
  const { custom_llm_provider: vendor, model, user, request_id: id } = row
  const provider = vendor ? (providers[vendor] ?? vendor) : undefined
  return {
    accountId,
    meter,
    model: model.includes('/') && vendor ? model.replace(`${vendor}/`, '') : model,
    ...(provider !== undefined && { provider }),
    tokens: tokensOf(row),
    ...(user && /^[\w.:-]{1,128}$/.test(user) && { userId: user }),
    occurredAt:
      row.endTime instanceof Date
        ? row.endTime
        : /(Z|[+-]\d\d:?\d\d)$/.test(row.endTime)
          ? row.endTime
          : `${row.endTime.replace(' ', 'T')}Z`,
    idempotencyKey: `litellm:${id}`,
  }
}

/** Where LiteLLM calls a vendor otherwise than the price list. */
const providers: Readonly<Record<string, string>> = {
  bedrock: 'aws',
  gemini: 'google',
  vertex_ai: 'google',
  xai: 'x-ai',
  fireworks_ai: 'fireworks',
  together_ai: 'together',
}

/** LiteLLM keeps what a vendor said in `metadata.usage_object`, in OpenAI's shape; without it there are only the two totals. */
function tokensOf({ metadata, model, prompt_tokens: input, completion_tokens: output }: LiteLlmRow) {
  const usage = metadata?.usage_object
  if (typeof usage !== 'object' || usage === null) return { input, output }
  return readUsage({ model, usage }, { provider: 'openai', flavor: 'chat', model }).tokens
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return null
  }
}
