import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A part of the demo in a process of its own, which ends with us. */
export interface Child {
  readonly name: string
  /** What it has said, as objects: it writes one JSON object a line. */
  readonly said: readonly Readonly<Record<string, unknown>>[]
  /** Resolves with the first object that has this field. */
  saying(field: string): Promise<Readonly<Record<string, unknown>>>
  /** Rejects when it ends by itself. */
  readonly died: Promise<never>
  /** Asks it to end, and sees to it. */
  stop(): Promise<void>
  /** Ends it now, for when we are ending. */
  kill(): void
}

/** Longer than the app gives its own slow clients. */
const graceMs = 10_000

/** Starts a script as a child, in the way this process was started. */
export function startChild(
  name: string,
  script: URL,
  environment: Readonly<Record<string, string | undefined>>,
): Child {
  // With a channel, so that it notices when we are gone, however that came about.
  const process_ = fork(script, { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const said: Record<string, unknown>[] = []
  const listeners = new Set<() => void>()
  let errors = ''
  let isStopping = false
  process_.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-8_000)
  })
  if (process_.stdout) {
    createInterface(process_.stdout).on('line', (line) => {
      said.push(parseObject(line))
      for (const listener of listeners) listener()
    })
  }
  const ended = endOf(process_)
  const died = ended.then((how): never => {
    if (isStopping) return new Promise<never>(() => {}) as never
    throw new Error(`The ${name} ended by itself (${how}).${errors === '' ? '' : `\n\n${errors.trimEnd()}`}`)
  })
  // It may end while nobody is looking.
  died.catch(() => {})
  return {
    name,
    said,
    died,
    saying(field) {
      const found = new Promise<Record<string, unknown>>((resolve) => {
        const look = () => {
          const match = said.find((message) => field in message)
          if (!match) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        look()
      })
      return Promise.race([found, died])
    },
    async stop() {
      isStopping = true
      process_.kill('SIGTERM')
      const timer = setTimeout(() => process_.kill('SIGKILL'), graceMs)
      await ended
      clearTimeout(timer)
    },
    kill() {
      isStopping = true
      process_.kill('SIGKILL')
    },
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  // `close` rather than `exit`: its last words have been read by then.
  const [code, signal] = await once(child, 'close')
  return signal === null ? `exit code ${code}` : `signal ${signal}`
}

function parseObject(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Not for us.
  }
  return { text: line }
}
