import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import type { LedgerEntry } from '../../core/domain/ledger/state.js'
import { expectEqual } from '../conformance.js'
import { telling } from './catalog.js'
import { applied, capture, changePlan, expectApplied, grant, hold, million, suspension, usage } from './commands.js'
import { required, type StoreCase, type World } from './world.js'

/** Ledger rows: every field as it was written, and pages that lose none. */
export const entryCases: readonly StoreCase[] = [
  {
    name: 'S3.11 entries: usage is read back with everything that was known of it',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([grant('a', 'gift', million, { grantKind: 'promotional' }), grant('a', 'paid', 5n * million)])
      const occurredAt = world.now() - 61_001
      const rated = {
        quantity: 1_500_000_001n,
        costUsd: '0.000450000000000000000001',
        model: 'gpt-4o-mini · “größer” 模型',
        provider: '"azure" · 供应商',
        serviceTier: 'priority',
        tokens: { input: 900, output: 0, cacheRead: 1_000_000_000_000 },
        dimensions: awkwardText,
        priceVersion: 'v7',
      } as const
      const command = usage('a', 'u', 3_000_001n, { occurredAt, rated })
      const summedBy = { [Object.keys(awkwardText)[0] ?? '']: Object.values(awkwardText)[0] ?? '' }
      const rules = { ...telling, catalog: { ...telling.catalog, rollupDimensions: Object.keys(summedBy) } }
      const result = applied(await world.one(command, rules))
      const entry = required(await world.store.ledger.entry('a', 'usage_u'), 'the row')
      const expected: LedgerEntry = {
        id: 'usage_u',
        accountId: 'a',
        operation: 'usage',
        key: 'u',
        dedupe: command.dedupe,
        fingerprint: command.fingerprint,
        counterAccount: 'usage',
        amount: -3_000_001n,
        balanceAfter: 2_999_999n,
        recordedAt: entry.recordedAt,
        reason: '',
        corrects: null,
        usage: {
          meter: 'ai_tokens',
          sparks: 3_000_001n,
          ...rated,
          summedBy,
          occurredAt,
          measured: rated.quantity,
          settledBy: { credits: 3_000_001n },
          included: 0n,
          holdId: null,
        },
        burns: [
          { grantId: 'grant_gift', amount: million },
          { grantId: 'grant_paid', amount: 2_000_001n },
        ],
        deliveries: { meters: 'dlv_meters_usage_u', traces: 'dlv_traces_usage_u' },
        result: entry.result,
      }
      expectEqual(entry, expected, 'the row')
      expectEqual(entry.result, result, 'the answer kept with the row')
      expectEqual((await world.rows('a')).at(-1), expected, 'the row in the list')
      expectTime(world, entry.recordedAt)
    },
  },
  {
    name: 'entries: what was not known stays unknown, and is no empty text',
    async run(world) {
      await world.accounts('credits', 'a')
      await world.commit([usage('a', 'bare', 1n), usage('a', 'empty', 1n, { rated: { model: '', costUsd: '0' } })])
      const [bare, empty] = await world.rows('a')
      expectEqual(
        [bare?.usage?.model, bare?.usage?.costUsd, bare?.usage?.tokens, bare?.usage?.dimensions, bare?.usage?.holdId],
        [null, null, null, {}, null],
        'model, cost, tokens, dimensions and hold of bare usage',
      )
      expectEqual([empty?.usage?.model, empty?.usage?.costUsd], ['', '0'], 'an empty model and a cost of nothing')
      expectEqual([bare?.deliveries, bare?.burns], [{}, []], 'deliveries and burns of usage nobody is told of')
      expectEqual(bare?.usage?.settledBy, { debt: 1n }, 'who paid')
    },
  },
  {
    name: 'entries: every other operation is read back with what it moved and why',
    async run(world) {
      await world.accounts('credits', 'a')
      const reason = awkwardText.quotes
      const commands: readonly (LedgerCommand & { readonly dedupe: string })[] = [
        grant('a', 'g', 5n * million, { reason }),
        grant('a', 'p', million, { grantKind: 'promotional' }),
        hold('a', 'h', 2n * million, { reason }),
        capture('a', 'c', 'hold_h', 3n * million, { onExcess: 'write_off' }),
        changePlan('a', 'l', 'allowance'),
        suspension('suspend', 'a', 's'),
        suspension('resume', 'a', 'r'),
      ]
      const outcomes = await world.commit(commands)
      const rows = await world.rows('a')
      expectEqual(
        rows.map((row) => [row.operation, row.counterAccount, row.amount, row.balanceAfter, row.reason]),
        [
          ['grant', 'grants:paid', 5n * million, 5n * million, reason],
          ['grant', 'grants:promotional', million, 6n * million, 'given by a case'],
          ['capture', 'usage', -2n * million, 4n * million, reason],
          ['change_plan', 'none', 0n, 4n * million, 'changed by a case'],
          ['suspend', 'none', 0n, 4n * million, 'looked into'],
          ['resume', 'none', 0n, 4n * million, 'looked into'],
        ],
        'operation, counter-account, amount, balance after and reason',
      )
      const written = commands.filter((command) => command.kind !== 'hold')
      expectEqual(
        rows.map((row) => row.dedupe),
        written.map((command) => command.dedupe),
        'the keys',
      )
      expectEqual(
        rows.map((row) => row.result),
        outcomes.filter((_, index) => commands[index]?.kind !== 'hold').map((outcome) => applied(outcome)),
        'the answers',
      )
      const captured = rows[2]?.usage
      expectEqual(
        [captured?.meter, captured?.holdId, captured?.settledBy, captured?.sparks],
        ['', 'hold_h', { credits: 2n * million, written_off: million }, 3n * million],
        'meter, hold, split and Sparks of the capture',
      )
      expectEqual(rows.filter((row) => row.usage === null).length, 5, 'how many rows are not for usage')
    },
  },
  {
    name: 'S3.10 entries: a row is found by its own account alone',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.commit([grant('a', '1', million), grant('b', '2', million)])
      expectEqual((await world.store.ledger.entry('a', 'grant_1'))?.accountId, 'a', 'the account of the own row')
      expectEqual(await world.store.ledger.entry('b', 'grant_1'), null, 'the row of another account')
      expectEqual(await world.store.ledger.entry('a', 'grant_none'), null, 'a row that is not there')
      expectEqual(
        (await world.rows('b')).map((row) => row.id),
        ['grant_2'],
        'the rows of the other account',
      )
    },
  },
  {
    name: 'S3.7 entries: rows come newest first, in the order in which they moved the balance',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await world.commit([grant('a', '1', 100n), usage('b', '1', 5n), usage('a', '2', 30n), usage('a', '3', 20n)])
      await world.commit([usage('b', '2', 5n), usage('a', '4', 10n), grant('a', '5', 7n)])
      const newestFirst = await world.store.ledger.entries('a', { limit: 100 })
      expectEqual(
        newestFirst.map((row) => row.id),
        ['grant_5', 'usage_4', 'usage_3', 'usage_2', 'grant_1'],
        'the rows, newest first',
      )
      expectEqual(
        newestFirst.map((row) => row.balanceAfter),
        [47n, 40n, 50n, 70n, 100n],
        'the balances after them',
      )
    },
  },
  {
    name: 'S3.7 entries: pages follow their cursors and lose or double no row while new ones arrive',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      for (let batch = 0; batch < 5; batch += 1) await commitUsage(world, batch * 5, 5)
      const before = (await world.rows('a')).map((row) => row.id).reverse()
      const seen: string[] = []
      let cursor: string | undefined
      for (let page = 0; page < 20; page += 1) {
        const rows = await world.store.ledger.entries('a', { limit: 4, ...(cursor ? { before: cursor } : {}) })
        seen.push(...rows.map((row) => row.id))
        cursor = rows.at(-1)?.cursor
        if (rows.length < 4) break
        await commitUsage(world, 100 + page * 3, 3)
      }
      expectEqual(seen, before, 'the rows of all pages')
    },
  },
  {
    name: 'S3.7 entries: a page has no more rows than asked for, and the one after the last none',
    async run(world) {
      await world.accounts('credits', 'a', 'b')
      await commitUsage(world, 0, 3)
      const pageOf = (limit: number, before?: string) =>
        world.store.ledger.entries('a', { limit, ...(before === undefined ? {} : { before }) })
      const first = await pageOf(2)
      expectEqual(first.length, 2, 'the length of the first page')
      const second = await pageOf(2, first.at(-1)?.cursor)
      expectEqual(second.length, 1, 'the length of the second page')
      expectEqual(await pageOf(2, second.at(-1)?.cursor), [], 'the page after the last')
      const cursors = (await pageOf(9)).map((row) => row.cursor)
      expectEqual(new Set(cursors).size, 3, 'how many different cursors three rows have')
    },
  },
  {
    name: 'S3.7 entries: rows that moved nothing can be left out, and pages are as full without them',
    async run(world) {
      await world.accounts('unlimited', 'a')
      for (const key of ['1', '2', '3', '4']) {
        expectApplied(await world.commit([usage('a', `free${key}`, million), grant('a', key, million)]))
        expectApplied(await world.commit([suspension('suspend', 'a', key), suspension('resume', 'a', key)]))
      }
      const first = await world.store.ledger.entries('a', { limit: 3, movedOnly: true })
      const last = required(first.at(-1), 'the last row of the first page')
      const second = await world.store.ledger.entries('a', { limit: 3, movedOnly: true, before: last.cursor })
      expectEqual(
        [first, second].map((page) => page.map((row) => row.id)),
        [['grant_4', 'grant_3', 'grant_2'], ['grant_1']],
        'the pages',
      )
      expectEqual((await world.store.ledger.entries('a', { limit: 100, movedOnly: false })).length, 16, 'all rows')
    },
  },
]

/** Text that breaks careless quoting and encoding. The domain lets no NUL and no half of a surrogate pair through. */
const awkwardText = {
  quotes: `it's "quoted" \`back\` \\ \\u0000 %s $1 ? ; -- /* */`,
  unicode: 'naïve Ångström 中文 עברית 👩‍👩‍👧‍👦 e\u0301 \u{1f680}',
  lines: 'one\ntwo\r\n\tthree\u2028four\u0001',
  'key with spaces & \'quotes\' "too"': '',
  null: 'null',
  $bigint: '1',
  number: '1e999',
} as const

async function commitUsage(world: World, from: number, count: number): Promise<void> {
  const commands = Array.from({ length: count }, (_, index) => usage('a', String(from + index), 1n))
  expectApplied(await world.commit([...commands, usage('b', String(from), 1n)]))
}

/** Fails unless this is a moment around now, in whole milliseconds. */
function expectTime(world: World, time: number): void {
  const isNear = Number.isSafeInteger(time) && Math.abs(time - world.now()) < 300_000
  expectEqual(isNear, true, `whether ${time} is the time by the store's clock`)
}
