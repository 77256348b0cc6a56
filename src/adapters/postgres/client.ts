/** What a query is given: always as text and read as text, whatever type parsers the app has set for itself. */
export interface PostgresQuery {
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

/** One connection, as `pg` hands it out. */
export interface PostgresClient {
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

/** A row as the server wrote it: text or nothing. */
export type RawRow = readonly (string | null)[]

/** What a transaction is given. Statements may be sent without waiting: the server takes them in order. */
export interface Sql {
  /** `values` are text, or array literals. */
  query(text: string, values?: readonly (string | null)[]): Promise<readonly RawRow[]>
}

export function sqlOf(client: PostgresClient): Sql {
  return {
    async query(text, values) {
      const query = { text, rowMode: 'array', types: asText, ...(values ? { values: [...values] } : {}) } as const
      const { rows } = await client.query(query)
      return rows as RawRow[]
    },
  }
}
