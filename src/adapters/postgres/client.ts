import { createHash } from 'node:crypto'

/** What a query is given: always as text and read as text, whatever type parsers the app has set for itself. */
export interface PostgresQuery {
  /** Names a prepared statement, which the server parses and plans once per connection. */
  readonly name?: string
  readonly text: string
  readonly values?: unknown[]
  readonly rowMode: 'array'
  /** How values are read: as they were written. */
  readonly types: PostgresTypes
}

/** How values are read: as they were written. */
export interface PostgresTypes {
  /** What reads a value of a type. */
  getTypeParser(): (value: string) => string
}

/** The socket of a connection. */
export interface PostgresSocket {
  /** Closes it without a word. */
  destroy(): void
}

/** One connection, as `pg` hands it out. */
export interface PostgresClient {
  /** Whether it sends a statement before the one before it was answered. */
  readonly pipeline?: boolean
  /** Its socket, to be closed when the other side says nothing any more. */
  readonly connection?: { readonly stream?: PostgresSocket }
  /** Sends one statement. */
  query(query: PostgresQuery): Promise<{ rows: unknown[] }>
  /** Hears of a connection that breaks between two statements; without a listener that ends the process. */
  on(event: 'error', listener: () => void): unknown
  /** Stops hearing of it. */
  off(event: 'error', listener: () => void): unknown
  /** Gives it back; `true` or an error: it is broken, forget it. */
  release(broken?: boolean | Error): void
}

/** A pool of connections: `Pool` of `pg`, or anything of its shape. */
export interface PostgresPool {
  /** Takes a connection out of the pool. */
  connect(): Promise<PostgresClient>
  /** Closes all connections. */
  end(): Promise<void>
}

const asText: PostgresTypes = { getTypeParser: () => (value: string) => value }

/** A value as text, an array literal, or an array in binary form. */
export type Bound = string | Uint8Array | null

/** A row as the server wrote it: text or nothing. */
export type RawRow = readonly (string | null)[]

/** What a transaction is given. Statements may be sent without waiting: the server takes them in order. */
export interface Sql {
  query(text: string, values?: readonly Bound[]): Promise<readonly RawRow[]>
}

/** @param prepare whether statements with values are prepared under a name */
export function sqlOf(client: Pick<PostgresClient, 'query' | 'pipeline'>, prepare: boolean): Sql {
  async function send(text: string, values?: readonly Bound[]): Promise<readonly RawRow[]> {
    const { rows } = await client.query({
      ...(values && { values: values as Bound[] }),
      ...(values && prepare && { name: nameOf(text) }),
      text,
      rowMode: 'array',
      types: asText,
    })
    return rows as RawRow[]
  }
  if (client.pipeline) return { query: send }
  let before: Promise<unknown> = Promise.resolve()
  return {
    query(text, values) {
      const answer = before.then(() => send(text, values))
      before = answer.catch(() => {})
      return answer
    },
  }
}

/** Texts hold no values, so there are few of them. */
const names = new Map<string, string>()

/** A name that follows from the text: two copies of the package on one pool never give one name to two statements. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = `billfold_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`
    names.set(text, name)
  }
  return name
}
