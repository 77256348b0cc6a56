import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { commandTag, type Message, readMessages, statementReader } from './postgres-protocol.js'

/** `before` the server sees a statement, or `after` it has executed it and before all of its answer has come back. */
export type Cut = 'before' | 'after'

/** Decides what happens to a statement on its way up, given those before it in its transaction. */
export type CutPlan = (sql: string, transaction: readonly string[]) => Cut | null

/** Stands between a client and PostgreSQL and cuts connections where it is told to. */
export interface CuttingProxy {
  readonly connectionString: string
  /** How many connections were cut so far. */
  cuts(): number
  plan(plan: CutPlan): void
  close(): Promise<void>
}

export async function startCuttingProxy(connectionString: string): Promise<CuttingProxy> {
  const target = new URL(connectionString)
  const sockets = new Set<Socket>()
  let plan: CutPlan = () => null
  let cuts = 0

  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    relay(
      client,
      upstream,
      (sql, transaction) => plan(sql, transaction),
      () => {
        cuts += 1
      },
    )
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = new URL(connectionString)
  address.port = String((server.address() as AddressInfo).port)
  return {
    connectionString: address.href,
    cuts: () => cuts,
    plan(next) {
      plan = next
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** What was sent up and is answered by one ReadyForQuery: a simple query, or extended messages up to a Sync. */
interface Exchange {
  /** The word the server says when it has executed what is to be cut after. */
  awaited: string | null
  readonly answer: Buffer[]
  isExecuted: boolean
}

function relay(client: Socket, upstream: Socket, plan: CutPlan, onCut: () => void): void {
  const statementsOf = statementReader()
  const open = (): Exchange => ({ awaited: null, answer: [], isExecuted: false })
  // The server says that it is ready once before it was asked anything.
  const exchanges: Exchange[] = [open()]
  let sending = open()
  let transaction: string[] = []
  let isCut = false

  function end(part: Buffer | null): void {
    isCut = true
    onCut()
    upstream.destroy()
    if (part && part.length > 0) client.end(part)
    else if (Math.random() < 0.5) client.resetAndDestroy()
    else client.destroy()
  }

  readMessages(client, { hasStartup: true }, ({ type, bytes, body }: Message) => {
    if (isCut) return
    for (const sql of statementsOf(type, body)) {
      if (/^begin\b/i.test(sql)) transaction = []
      transaction.push(sql)
      const cut = plan(sql, transaction)
      if (cut === 'before') {
        end(null)
        return
      }
      if (cut === 'after') sending.awaited = sql.split(/\s/)[0]?.toUpperCase() ?? ''
    }
    if (type === 'Q' || type === 'S') {
      exchanges.push(sending)
      sending = open()
    }
    upstream.write(bytes)
  })

  readMessages(upstream, { hasStartup: false }, ({ type, bytes, body }: Message) => {
    if (isCut) return
    const exchange = exchanges[0]
    if (type === 'Z') exchanges.shift()
    if (!exchange || exchange.awaited === null) {
      client.write(bytes)
      return
    }
    // The COMMIT of a transaction that has failed is answered by ROLLBACK.
    if (type === 'C' && commandTag(body).startsWith(exchange.awaited)) exchange.isExecuted = true
    exchange.answer.push(bytes)
    if (type !== 'Z') return
    const answer = Buffer.concat(exchange.answer)
    if (!exchange.isExecuted) client.write(answer)
    else end(Math.random() < 0.5 ? null : answer.subarray(0, Math.floor(Math.random() * answer.length)))
  })
}
