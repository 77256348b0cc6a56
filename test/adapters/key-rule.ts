import { loadModule, parseSync } from 'libpg-query'

/** Which tables are kept by account, by the column that says which, and which of them every node has a copy of. */
export interface Placement {
  /** The schemas they are in. */
  readonly schemas: RegExp
  readonly accountTables: ReadonlyMap<string, string>
  readonly referenceTables: ReadonlySet<string>
}

/** A statement as it was sent. */
export interface Sent {
  readonly text: string
  readonly values?: readonly (string | null)[] | undefined
}

type Node = Readonly<Record<string, unknown>>

/** What a statement does. */
interface Reading {
  readonly broken: string[]
  /** Whose rows it reads or writes: an account, or the place of the value that names it. */
  readonly accounts: Set<string | number>
  /** Reference tables it writes. */
  readonly copied: Set<string>
  isMigration: boolean
  begins: 'reading' | 'writing' | null
  ends: boolean
}

const crossings: ReadonlySet<string> = new Set([
  'deliveries that are due',
  'whose deliveries these are',
  'deliveries that were given up',
  'accounts with something that is due',
  'accounts that are suspended',
  'balances of accounts',
  'events of accounts',
  'deliveries by destination',
  'accounts to verify',
  'accounts of an e-mail',
  'every account',
])

await loadModule()

/**
 * What is wrong with the statements of one connection, by the rules of Citus: a table that is kept by account is told the account, by
 * equality and by itself, wherever it is named; rows are locked only so; a transaction that writes holds one account; and what is read
 * over all accounts is marked, known by name, and read without locks in a transaction that writes nothing.
 */
export function brokenRules(sent: readonly Sent[], placement: Placement): readonly string[] {
  const broken: string[] = []
  let isReading = false
  let accounts = new Set<string>()
  let copied = new Set<string>()
  let pending: string[] = []
  let isMigration = false
  const end = (): void => {
    if (accounts.size > 1) pending.push(`one transaction of the accounts ${[...accounts].join(', ')}`)
    if (accounts.size > 0 && copied.size > 0) pending.push(`${[...copied].join(', ')} written beside an account`)
    if (!isMigration) broken.push(...pending)
    isReading = false
    isMigration = false
    accounts = new Set()
    copied = new Set()
    pending = []
  }
  for (const statement of sent) {
    if (statement.text.includes(';') && /SET LOCAL (?!citus\.)/.test(statement.text))
      broken.push(`a setting is sent beside other statements: ${statement.text}`)
    const crossing = /^\/\* across accounts: (.*?) \*\//.exec(statement.text)?.[1]
    for (const reading of readingsOf(statement.text, placement, crossing !== undefined)) {
      if (reading.begins) isReading = reading.begins === 'reading'
      if (reading.ends) end()
      isMigration ||= reading.isMigration
      const { broken: wrong, accounts: named } = reading
      for (const each of named) {
        const account = typeof each === 'number' ? statement.values?.[each - 1] : each
        if (account === undefined || account === null) pending.push(`no account is told: ${statement.text}`)
        else accounts.add(account)
      }
      pending.push(...wrong.map((what) => `${what}: ${statement.text.replace(/\s+/g, ' ')}`))
      for (const table of reading.copied) copied.add(table)
    }
    if (crossing !== undefined && !isReading) pending.push(`read over accounts where something is written: ${crossing}`)
    if (crossing !== undefined && !crossings.has(crossing)) pending.push(`an unknown crossing: ${crossing}`)
  }
  end()
  return broken
}

const read = new Map<string, readonly Reading[]>()

/** What a text does is read once, though it is sent again and again with other values. */
function readingsOf(text: string, placement: Placement, mayCross: boolean): readonly Reading[] {
  const known = read.get(text)
  if (known) return known
  const { stmts = [] } = parseSync(text) as unknown as { stmts?: { stmt: Node }[] }
  const readings = stmts.map(({ stmt }) => new StatementReader(placement, mayCross).read(stmt))
  read.set(text, readings)
  return readings
}

const harmless = new Set(['VariableSetStmt', 'VariableShowStmt', 'TransactionStmt'])

class StatementReader {
  readonly #reading: Reading = {
    broken: [],
    accounts: new Set(),
    copied: new Set(),
    isMigration: false,
    begins: null,
    ends: false,
  }

  constructor(
    private readonly placement: Placement,
    private readonly mayCross: boolean,
  ) {}

  read(statement: Node): Reading {
    const [[kind, body] = ['', {}]] = Object.entries(statement) as [string, Node][]
    if (kind === 'TransactionStmt') this.#transaction(body)
    else if (kind === 'SelectStmt' || kind === 'InsertStmt' || kind === 'UpdateStmt' || kind === 'DeleteStmt') {
      if (this.mayCross && kind !== 'SelectStmt') this.#reading.broken.push('something is written over accounts')
      this.#anywhere(statement)
    } else if (!harmless.has(kind)) this.#reading.isMigration = true
    return this.#reading
  }

  #transaction({ kind, options }: Node): void {
    const isReadOnly = JSON.stringify(options ?? []).includes(
      '"transaction_read_only","arg":{"A_Const":{"ival":{"ival":1}',
    )
    if (kind === 'TRANS_STMT_BEGIN') this.#reading.begins = isReadOnly ? 'reading' : 'writing'
    if (kind === 'TRANS_STMT_COMMIT' || kind === 'TRANS_STMT_ROLLBACK') this.#reading.ends = true
  }

  /** Finds each level of the query, however deep. */
  #anywhere(node: unknown): void {
    if (Array.isArray(node)) for (const item of node) this.#anywhere(item)
    if (typeof node !== 'object' || node === null || Array.isArray(node)) return
    for (const [name, value] of Object.entries(node)) {
      if (name === 'SelectStmt' || name === 'larg' || name === 'rarg') this.#select(value as Node)
      if (name === 'InsertStmt') this.#insert(value as Node)
      if (name === 'UpdateStmt' || name === 'DeleteStmt') this.#change(value as Node, name)
      if (name === 'ctes') this.#commonTables(value as Node[])
      this.#anywhere(value)
    }
  }

  #commonTables(tables: readonly Node[]): void {
    for (const table of tables) {
      const query = (table.CommonTableExpr as { ctequery?: Node } | undefined)?.ctequery
      if (!query?.SelectStmt) this.#reading.broken.push('a common table expression writes')
    }
  }

  #select({ fromClause, whereClause, lockingClause }: Node): void {
    if (fromClause === undefined) return
    const isFree = this.#relations([fromClause], whereClause)
    if (lockingClause === undefined) return
    if (isFree) this.#reading.broken.push('rows are locked that are not of one account')
    if (JSON.stringify(lockingClause).includes('LockWaitSkip')) this.#reading.broken.push('locked rows are skipped')
  }

  #change({ relation, fromClause, usingClause, whereClause, targetList, ...rest }: Node, kind: string): void {
    const table = (relation as { relname: string }).relname
    this.#written(table, rest)
    const key = this.placement.accountTables.get(table)
    const names = ((targetList ?? []) as { ResTarget: { name: string } }[]).map(({ ResTarget }) => ResTarget.name)
    if (kind === 'UpdateStmt' && key !== undefined && names.includes(key))
      this.#reading.broken.push(`${table} moves a row`)
    this.#relations([{ RangeVar: relation }, fromClause, usingClause], whereClause)
  }

  #insert({ relation, cols, selectStmt, onConflictClause, ...rest }: Node): void {
    const table = (relation as { relname: string }).relname
    this.#written(table, rest)
    const key = this.placement.accountTables.get(table)
    if (key === undefined) return
    const columns = (cols as { ResTarget: { name: string } }[]).map(({ ResTarget }) => ResTarget.name)
    const lists = ((selectStmt as { SelectStmt: { valuesLists?: { List: { items: Node[] } }[] } }).SelectStmt
      .valuesLists ?? []) as { List: { items: Node[] } }[]
    if (lists.length === 0) this.#reading.broken.push(`${table} gets rows that are not listed`)
    for (const { List } of lists) {
      const account = this.#valueOf(List.items[columns.indexOf(key)])
      if (account === undefined) this.#reading.broken.push(`${table} gets a row of no account`)
      else this.#reading.accounts.add(account)
    }
    const conflict = onConflictClause as { infer?: Node; targetList?: { ResTarget: { name: string } }[] } | undefined
    if (conflict?.infer && !JSON.stringify(conflict.infer).includes(`"name":"${key}"`))
      this.#reading.broken.push(`${table} looks for a row of any account`)
    if (conflict?.targetList?.some(({ ResTarget }) => ResTarget.name === key))
      this.#reading.broken.push(`${table} moves a row`)
  }

  #written(table: string, rest: Node): void {
    if (JSON.stringify(rest).includes('"FuncCall"')) this.#reading.broken.push('a function is asked what it returns')
    if (this.placement.referenceTables.has(table)) this.#reading.copied.add(table)
  }

  /** The tables of one level of a query. @returns whether one of them is not told its account */
  #relations(from: readonly unknown[], where: unknown): boolean {
    const tables: { name: string; alias: string }[] = []
    const conditions = conjuncts(where)
    const visit = (node: unknown): void => {
      if (Array.isArray(node)) for (const item of node) visit(item)
      const { RangeVar, JoinExpr } = (node ?? {}) as { RangeVar?: Node; JoinExpr?: Node }
      if (RangeVar) {
        const { schemaname, relname, alias } = RangeVar as { schemaname?: string; relname: string; alias?: Node }
        if (this.placement.schemas.test(schemaname ?? ''))
          tables.push({ name: relname, alias: (alias?.aliasname as string | undefined) ?? relname })
      }
      if (JoinExpr) {
        if (JoinExpr.jointype === 'JOIN_INNER') conditions.push(...conjuncts(JoinExpr.quals))
        visit(JoinExpr.larg)
        visit(JoinExpr.rarg)
      }
    }
    visit(from)
    let isFree = false
    for (const { name, alias } of tables) {
      const key = this.placement.accountTables.get(name)
      const account = key === undefined ? undefined : this.#equalTo(conditions, alias, key, tables.length === 1)
      if (account !== undefined) this.#reading.accounts.add(account)
      else isFree = true
      if (account === undefined && key !== undefined && !this.mayCross)
        this.#reading.broken.push(`${name} ${alias} is not told its account`)
    }
    return isFree
  }

  #equalTo(conditions: readonly Node[], alias: string, key: string, isAlone: boolean): string | number | undefined {
    for (const condition of conditions) {
      const { kind, name, lexpr, rexpr } = (condition.A_Expr ?? {}) as {
        kind?: string
        name?: Node[]
        lexpr?: Node
        rexpr?: Node
      }
      if (kind !== 'AEXPR_OP' || !JSON.stringify(name).includes('"sval":"="')) continue
      for (const [column, other] of [
        [lexpr, rexpr],
        [rexpr, lexpr],
      ] as const) {
        const fields = (column?.ColumnRef as { fields?: { String?: { sval: string } }[] } | undefined)?.fields
        const words = fields?.map(({ String: word }) => word?.sval).join('.')
        if (words !== `${alias}.${key}` && !(isAlone && words === key)) continue
        const value = this.#valueOf(other)
        if (value !== undefined) return value
      }
    }
    return undefined
  }

  #valueOf(node: Node | undefined): string | number | undefined {
    const inner = (node?.TypeCast as { arg?: Node } | undefined)?.arg ?? node
    const place = (inner?.ParamRef as { number?: number } | undefined)?.number
    if (place !== undefined) return place
    return (inner?.A_Const as { sval?: { sval?: string } } | undefined)?.sval?.sval
  }
}

/** What has to hold, all of it. */
function conjuncts(node: unknown): Node[] {
  if (node === undefined) return []
  const { boolop, args } = ((node as Node).BoolExpr ?? {}) as { boolop?: string; args?: Node[] }
  return boolop === 'AND_EXPR' ? (args ?? []).flatMap(conjuncts) : [node as Node]
}
