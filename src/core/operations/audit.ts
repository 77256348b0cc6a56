import * as z from 'zod'
import type { BillingContext } from '../context.js'
import type { Instant } from '../domain/period.js'
import { BillingError } from '../errors.js'
import type { StoredRecord } from '../ports/store.js'
import { dateOf } from './date.js'
import { accountId, optionalText, parse, text } from './fields.js'
import { type Page, type PageInput, pageFields, pageOf, readCursor } from './paging.js'

/** What somebody is about to do who acts for the house. */
export interface AuditedAction {
  /** Who: the app's name of a person or program; at most 200 characters. */
  readonly actor: string
  /** What, such as `credits.grant`; at most 100 characters. */
  readonly action: string
  /** The account it is about, if it is about one. */
  readonly accountId?: string
  /** With what: at most 20 names, values of at most 500 characters. Nothing secret. */
  readonly facts?: Readonly<Record<string, string>>
  /** The request it came with. */
  readonly requestId?: string
}

/** An action that was asked for, and what came of it. */
export interface AuditEntry {
  readonly id: string
  readonly actor: string
  readonly action: string
  readonly accountId: string | null
  readonly facts: Readonly<Record<string, string>>
  readonly requestId: string | null
  /** `unknown`: it is under way, or ended without a word; the ledger and the provider know. */
  readonly outcome: 'done' | 'refused' | 'unknown'
  /** Why it was refused. */
  readonly code: string | null
  readonly askedAt: Date
  readonly endedAt: Date | null
}

type StoredEntry = Omit<AuditEntry, 'askedAt' | 'endedAt'> & {
  readonly askedAt: Instant
  readonly endedAt: Instant | null
}

/** No provider has a name like it. */
const owner = '_audit'
/** No account has an id like it. */
const everybody = '*'

const actionSchema = z.strictObject({
  actor: text(200),
  action: text(100),
  accountId: accountId.optional(),
  facts: z
    .record(z.string().max(60), optionalText(500))
    .refine((facts) => Object.keys(facts).length <= 20, 'has at most 20 names')
    .default({}),
  requestId: text(200).optional(),
})

/**
 * Does something between a record of who asked for it and one of what came of it: what cannot be recorded is not done. Tells listeners of
 * `operator.acted` where it is about an account.
 *
 * @throws what the work throws, and BillingError `invalid_request`, `invalid_id`, `storage_unavailable`, with nothing done
 */
export async function runAudited<T>(ctx: BillingContext, input: AuditedAction, work: () => Promise<T>): Promise<T> {
  const { accountId: account = null, requestId = null, ...action } = parse(actionSchema, input)
  const asked: StoredEntry = {
    ...{ id: ctx.newId('aud'), accountId: account, requestId, ...action },
    ...{ outcome: 'unknown', code: null, askedAt: ctx.environment.now(), endedAt: null },
  }
  await write(ctx, asked, 1)
  const end = async (outcome: AuditEntry['outcome'], code: string | null) => {
    const ended = { ...asked, outcome, code, endedAt: ctx.environment.now() }
    // It is done, or it is not: that this could not be noted changes nothing about it.
    await settle(ctx, ended).catch((error: unknown) => ctx.environment.onError(error, `audit ${asked.id}`))
  }
  try {
    const result = await work()
    await end('done', null)
    return result
  } catch (error) {
    const isRefused = BillingError.is(error) && error.outcome === 'not_applied'
    await end(isRefused ? 'refused' : 'unknown', BillingError.is(error) ? error.code : 'internal_error')
    throw error
  }
}

/** Which actions to list: those about an account, or all. */
export interface ListAuditInput extends PageInput {
  readonly accountId?: string
}

const listSchema = z.strictObject({ accountId: accountId.optional(), ...pageFields })

/** Actions of operators, newest first, a page at a time. @throws BillingError `invalid_cursor`, `invalid_range` (limit) */
export async function listAudit(ctx: BillingContext, input: ListAuditInput = {}): Promise<Page<AuditEntry>> {
  const { accountId: account, limit, cursor } = parse(listSchema, input)
  const party = account ?? everybody
  const list = { list: 'audit', party }
  const before = await readCursor(ctx, list, cursor)
  const page = { kind: kindOf(party), party, limit: limit + 1, ...(before === undefined ? {} : { before }) }
  const rows = await ctx.store.records.list(owner, page)
  return pageOf(ctx, list, rows, limit, { item: entryView, position: ({ id }) => id })
}

async function settle(ctx: BillingContext, ended: StoredEntry): Promise<void> {
  await write(ctx, ended, 2)
  const { id, actor, action, outcome, code, requestId } = ended
  if (ended.accountId === null) return
  await ctx.store.outbox.publish({
    id: `evt_${id}`,
    type: 'operator.acted',
    accountId: ended.accountId,
    occurredAt: ended.endedAt ?? ended.askedAt,
    data: { auditId: id, actor, action, outcome, code, requestId },
  })
  ctx.wake()
}

/** Under the account and among all, both or neither. */
async function write(ctx: BillingContext, entry: StoredEntry, revision: number): Promise<void> {
  const body = JSON.stringify(entry)
  const parties = entry.accountId === null ? [everybody] : [everybody, entry.accountId]
  const records = parties.map((party): StoredRecord => {
    const kind = kindOf(party)
    return { id: `${entry.id}.${kind}`, kind, party, revision, body }
  })
  if (await ctx.store.records.write(owner, records)) return
  throw new BillingError('storage_unavailable', `What an operator does (${entry.id}) could not be recorded.`)
}

function kindOf(party: string): string {
  return party === everybody ? 'all' : 'account'
}

function entryView({ body }: StoredRecord): AuditEntry {
  const entry = JSON.parse(body) as StoredEntry
  return { ...entry, askedAt: new Date(entry.askedAt), endedAt: dateOf(entry.endedAt) }
}
