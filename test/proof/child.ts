import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A process of its own, told and heard in lines of JSON. */
export interface Child {
  say(line: unknown): void
  /** Says a line, and resolves with the next one it hears. */
  ask<T>(line: unknown): Promise<T>
  /** Resolves when it has ended, by itself or not, and all it had said was heard. */
  readonly ended: Promise<void>
  /** Ends it at once, and resolves when all it had said was heard. */
  kill(): Promise<void>
}

/** Starts a script beside this file with its settings as JSON; `onLine` hears what answers no question. */
export function startChild(script: string, settings: unknown, onLine: (line: unknown) => void = () => {}): Child {
  const path = fileURLToPath(new URL(script, import.meta.url))
  const child = spawn(process.execPath, ['--no-deprecation', path, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  // What is said to a child that was killed is of no interest.
  child.stdin.on('error', () => {})
  const lines = createInterface({ input: child.stdout })
  const questions: { readonly resolve: (line: never) => void; readonly reject: (error: Error) => void }[] = []
  lines.on('line', (line) => {
    const question = questions.shift()
    if (question) question.resolve(JSON.parse(line) as never)
    else onLine(JSON.parse(line))
  })
  const ended = once(lines, 'close').then(() => {
    for (const question of questions.splice(0)) question.reject(new Error(`${script} ended before it answered.`))
  })
  const say = (line: unknown) => void child.stdin.write(`${JSON.stringify(line)}\n`)
  return {
    say,
    ended,
    ask(line) {
      return new Promise((resolve, reject) => {
        questions.push({ resolve, reject })
        say(line)
      })
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
