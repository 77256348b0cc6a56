import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { arrayBytes } from '../../src/adapters/postgres/array.js'
import { sqlOf } from '../../src/adapters/postgres/client.js'
import { send, table } from '../../src/adapters/postgres/table.js'
import { integer, nullable, number, rows, type StoredField, text, type Value } from '../../src/adapters/sql/column.js'
import { type PostgresServer, startPostgres } from './postgres-server.js'

let server: PostgresServer
let client: pg.Client

beforeAll(async () => {
  server = await startPostgres({ forgetful: true })
  client = new pg.Client({ connectionString: server.connectionString })
  await client.connect()
})
afterAll(async () => {
  await client?.end()
  await server?.stop()
})

const column = (type: StoredField<Value>['type']): StoredField<Value> => ({
  name: 'value',
  type,
  get: (value) => value,
})

async function roundTrip(type: StoredField<Value>['type'], values: readonly Value[]): Promise<unknown[]> {
  const sent = { integer: 'bigint', text: 'text', uuid: 'uuid' }[type]
  const { rows } = await client.query(`SELECT value::text FROM unnest($1::${sent}[]) WITH ORDINALITY AS t (value, n)`, [
    arrayBytes(column(type), values),
  ])
  return rows.map(({ value }) => value)
}

it.each([
  ['plain', ['a', '', 'account-1', '{"input":1}', 'back\\slash "quote" , {} NULL']],
  ['control characters', ['\u0001', '\n\t\r', '\u007f']],
  ['beyond ASCII', ['ß', 'naïve 文字', '😀'.repeat(3), 'e\u0301']],
  ['short and long', ['x'.repeat(48), 'x'.repeat(49), `${'x'.repeat(500)}é`, '文'.repeat(70_000)]],
  ['nothing among others', [null, 'a', null]],
  ['nothing alone', [null]],
])('G1 the server reads the text that was written: %s', async (_, values) => {
  expect(await roundTrip('text', values)).toEqual(values)
})

it('G1 the server reads the numbers that were written', async () => {
  const large = 2n ** 63n - 1n
  const integers = [0n, -1n, large, -large, null, 7n, 2n ** 32n, -(2n ** 32n) - 1n]
  expect(await roundTrip('integer', integers)).toEqual(integers.map((value) => value?.toString() ?? null))
  const numbers = [0, 1, -1, 1_763_800_000_000, -(2 ** 40) - 3, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]
  expect(await roundTrip('integer', numbers)).toEqual(numbers.map(String))
})

it('G1 the server reads the hashes that were written', async () => {
  const ids = ['00112233445566778899aabbccddeeff', 'ffffffffffffffffffffffffffffffff']
  const read = (await roundTrip('uuid', [...ids, null])) as (string | null)[]
  expect(read.map((id) => id?.replaceAll('-', '') ?? null)).toEqual([...ids, null])
})

it('G1 a large array leaves a smaller one after it as it is', async () => {
  const many = Array.from({ length: 20_000 }, (_, index) => `${index}-${'y'.repeat(index % 90)}`)
  expect(await roundTrip('text', many)).toEqual(many)
  expect(await roundTrip('text', ['small'])).toEqual(['small'])
})

it.each([
  ['NUL', 'text', 'a\0b'],
  ['NUL in a long text', 'text', `${'a'.repeat(100)}\0`],
  ['half of a surrogate pair', 'text', 'a\ud800'],
  ['half of a surrogate pair in a long text', 'text', `${'a'.repeat(100)}\udc00`],
  ['2^63', 'integer', 2n ** 63n],
  ['less than -2^63 + 1', 'integer', -(2n ** 63n)],
] as const)('G1 refuses what would not come back: %s', (_, type, value) => {
  expect(() => arrayBytes(column(type), ['' as Value, value].slice(type === 'text' ? 0 : 1))).toThrow(
    expect.objectContaining({ code: type === 'text' ? 'invalid_request' : 'amount_out_of_range' }),
  )
})

interface Noted {
  readonly id: number
  readonly amount: bigint
  readonly owner: string
  readonly note: string | null
}

it('G1 what many rows have in common is sent once, and each row is read as it was given', async () => {
  const sql = sqlOf(client, true)
  await client.query('CREATE TABLE noted (id bigint PRIMARY KEY, amount bigint, owner text NOT NULL, note text)')
  const columns = { id: number, amount: integer, owner: text(), note: nullable(text()) }
  const noted = table('public', rows<Noted>('noted', ['id'], columns), {
    alike: ['amount'],
    perhapsAlike: ['owner', 'note'],
  })
  const owners = [() => 'one', (id: number) => `owner ${id % 7}`]
  const notes = [() => null, () => 'a "note"', (id: number) => (id % 2 === 0 ? null : 'odd'), (id: number) => `${id}`]
  const given: Noted[] = []
  const sent = new Set<string>()
  for (const owner of owners) {
    for (const note of notes) {
      const batch = Array.from({ length: 250 }, (_, index) => {
        const id = given.length + index
        return { id, amount: 5n, owner: owner(id), note: note(id) }
      })
      const write = noted.insert(batch)
      sent.add(write?.statement.text ?? '')
      await send(sql, write)
      given.push(...batch)
    }
  }
  expect(await noted.select(sql, 'ORDER BY t.id')).toEqual(given)
  expect(sent.size).toBe(4)
})
