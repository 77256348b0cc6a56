import { LangfuseClient } from '@langfuse/client'
import { createBilling, defineCatalog, type Store } from 'billfold'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { Langfuse } from 'langfuse'
import { type Sandbox, type SandboxOptions, sandbox } from '../../../src/testing/sandbox/sandbox.js'
import type { TestedStore } from './stores.js'

export const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'larger', sparks: '100', per: '1000' } },
    model_calls: { unit: 'token', rate: { mode: 'by_cost' } },
    compute_minutes: { unit: 'minute', decimals: 6, rate: { mode: 'per_unit', sparks: '50', per: '1' } },
    storage: { unit: 'GB-month', decimals: 6, rate: { mode: 'per_unit', sparks: '500', per: '1' } },
  },
  plans: { free: {}, byo: { byo: true } },
})

export const accountId = 'acct_a'

/** An observation as a test says it. */
export interface Observed {
  readonly traceId?: string
  readonly id: string
  readonly parentId?: string
  readonly type?: string
  readonly userId?: string
  readonly model?: string
  readonly usage?: Readonly<Record<string, number>>
  readonly cost?: number
  readonly metadata?: Readonly<Record<string, string>>
  readonly startMs?: number
  /** Default one second; `null` while it goes on. */
  readonly durationMs?: number | null
}

export const traceOf = (digit: string) => digit.repeat(32)
export const spanOf = (number: number) => (number + 1).toString(16).padStart(16, '0')

export const day = Date.parse('2026-11-20T00:00:00Z')
export const range = { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' } as const

export const now = () => Date.parse('2026-11-21T12:00:00Z')

/** Writes observations as a foreign exporter does. */
export async function observe({ langfuse }: Sandbox, observed: readonly Observed[]): Promise<void> {
  const spans = observed.map((each) => {
    const { traceId = traceOf('a'), id, parentId, type = 'generation', userId = accountId, startMs = day } = each
    const attributes: Record<string, string | undefined> = {
      'langfuse.observation.type': type,
      'langfuse.observation.model.name': each.model,
      'langfuse.observation.usage_details': each.usage && JSON.stringify(each.usage),
      'langfuse.observation.cost_details': each.cost === undefined ? undefined : JSON.stringify({ total: each.cost }),
      'user.id': userId,
      ...Object.fromEntries(
        Object.entries(each.metadata ?? {}).map(([key, value]) => [`langfuse.observation.metadata.${key}`, value]),
      ),
    }
    return {
      ...{ traceId, spanId: id, parentSpanId: parentId, name: 'call' },
      startTimeUnixNano: `${startMs}000000`,
      ...(each.durationMs === null ? {} : { endTimeUnixNano: `${startMs + (each.durationMs ?? 1_000)}000000` }),
      attributes: Object.entries(attributes).flatMap(([key, value]) =>
        value === undefined || value === '' ? [] : [{ key, value: { stringValue: value } }],
      ),
    }
  })
  for (let start = 0; start < spans.length; start += 200) {
    const answer = await fetch(`${langfuse.baseUrl}/api/public/otel/v1/traces`, {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${langfuse.publicKey}:${langfuse.secretKey}`)}`,
        'content-type': 'application/json',
        'x-langfuse-ingestion-version': '4',
      },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: spans.slice(start, start + 200) }] }] }),
    })
    if (!answer.ok) throw new Error(await answer.text())
  }
}

/** Langfuse finds out what an observation came to. */
export async function change(
  { url }: Sandbox,
  body: {
    readonly observationId?: string
    readonly traceId?: string
    readonly totalCost?: number | null
    readonly usageDetails?: Readonly<Record<string, number>>
    readonly userId?: string
    readonly metadata?: Readonly<Record<string, string>>
  },
): Promise<void> {
  const answer = await fetch(`${url}/_sandbox/langfuse/observations`, {
    method: 'POST',
    body: JSON.stringify({ traceId: traceOf('a'), ...body }),
  })
  if (!answer.ok) throw new Error(await answer.text())
}

/** Langfuse as it is read by today's client. */
export function reading(box: Sandbox, id = 'langfuse', more: { readonly expandMetadata?: readonly string[] } = {}) {
  return langfuseProvider({ ...box.langfuse, ...more, client: new LangfuseClient(box.langfuse), id })
}

/** Langfuse 3 as it is read by its own client. */
export function readingLegacy(box: Sandbox) {
  const legacyClient = new Langfuse({ ...box.langfuse, flushAt: 1 })
  return langfuseProvider({ ...box.langfuse, legacyClient })
}

type Reading = ReturnType<typeof reading>

/** A service on a store, with Langfuse to read from. */
export function serve(
  store: Store,
  tracing: Reading,
  more: { readonly generations?: 'model_calls' | 'ai_tokens'; readonly compute?: 'compute_minutes' } = {},
) {
  return createBilling({ catalog, store, providers: { tracing }, pull: more, environment: { now } })
}

export async function startWorld(
  tested: TestedStore,
  closing: (() => Promise<void>)[],
  options: {
    readonly sandbox?: SandboxOptions
    readonly pull?: Parameters<typeof serve>[2]
    readonly read?: (box: Sandbox) => Reading
  } = {},
) {
  const box = await sandbox(options.sandbox)
  closing.push(() => box.close())
  const store = await tested.open({ now })
  const langfuse = (options.read ?? reading)(box)
  const billing = serve(store, langfuse, options.pull)
  closing.push(() => billing.close())
  await billing.accounts.ensure({ accountId })
  return { box, store, billing, langfuse }
}

/** All that the ledger has of an account, as it matters for its bill. */
export async function booksOf(store: Store, id = accountId) {
  const entries = await store.ledger.entries(id, { limit: 10_000 })
  const { account } = (await store.ledger.snapshot(id)) ?? {}
  return {
    entries: entries.map(({ operation, amount, usage, corrects }) => ({
      operation,
      amount,
      meter: usage?.meter,
      sparks: usage?.sparks,
      costUsd: usage?.costUsd,
      isCorrection: corrects !== null,
    })),
    balance: account?.balance,
  }
}

/** What was charged, in micro-sparks. */
export async function chargedOf(store: Store, id = accountId): Promise<bigint> {
  const entries = await store.ledger.entries(id, { limit: 10_000 })
  return entries.reduce((sum, { usage }) => sum + (usage?.sparks ?? 0n), 0n)
}
