import * as z from 'zod'

/**
 * What goes wrong with matching requests.
 *
 * - `status`: answers `status` without doing anything; `status_after`: does the work, then answers `status`.
 * - `reset_before`: cuts the connection without doing anything; `reset_after`: does the work, then cuts it.
 * - `hang`: accepts and never answers; `delay`: answers after `delayMs` of real time.
 * - `partial_success`: the Langfuse export answers 200, stores nothing and reports every span as rejected.
 */
export interface SandboxFault {
  readonly match: { readonly method?: string; readonly pathIncludes: string }
  /** How many matching requests it hits; default 1. */
  readonly times?: number
  /** How many matching requests pass unharmed first; default 0. */
  readonly skip?: number
  readonly kind: 'status' | 'status_after' | 'reset_before' | 'reset_after' | 'hang' | 'delay' | 'partial_success'
  /** For `status` and `status_after`; default 500. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** For `delay`; default 1000. */
  readonly delayMs?: number
}

export const sandboxFaultSchema = z.strictObject({
  match: z.strictObject({ method: z.string().exactOptional(), pathIncludes: z.string() }),
  times: z.int().positive().exactOptional(),
  skip: z.int().nonnegative().exactOptional(),
  kind: z.enum(['status', 'status_after', 'reset_before', 'reset_after', 'hang', 'delay', 'partial_success']),
  status: z.int().min(200).max(599).exactOptional(),
  headers: z.record(z.string(), z.string()).exactOptional(),
  delayMs: z.int().nonnegative().exactOptional(),
})

/** What one request has to suffer. */
export interface Fate {
  /** Waits as long as the fault says. False: the connection is lost before anything was done. */
  arrive(): Promise<boolean>
  readonly doesWork: boolean
  /** The answer given instead of the true one. */
  readonly answer: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined
  readonly losesAnswer: boolean
  readonly rejectsAll: boolean
  /** The request goes into a void: it does not even stand in the way of its own repetition. */
  readonly neverAnswers: boolean
}

export interface Faults {
  inject(fault: SandboxFault): void
  /** Forgets all faults and lets go of requests that hang. */
  clear(): void
  /** Decides about one request and uses the fault up. */
  fateOf(method: string, path: string): Fate
}

export function createFaults(): Faults {
  let waiting: { readonly fault: SandboxFault; skip: number; times: number }[] = []
  const hanging = new Set<() => void>()

  const take = (method: string, path: string): SandboxFault | undefined => {
    for (const each of waiting) {
      const { match } = each.fault
      if (match.method !== undefined && match.method.toUpperCase() !== method) continue
      if (!path.includes(match.pathIncludes)) continue
      if (each.skip > 0) {
        each.skip -= 1
        continue
      }
      each.times -= 1
      if (each.times === 0) waiting = waiting.filter((other) => other !== each)
      return each.fault
    }
    return undefined
  }

  return {
    inject(fault) {
      waiting.push({ fault, skip: fault.skip ?? 0, times: fault.times ?? 1 })
    },
    clear() {
      waiting = []
      for (const release of hanging) release()
      hanging.clear()
    },
    fateOf(method, path) {
      const fault = take(method, path)
      if (fault === undefined) return unharmed
      const { kind } = fault
      return {
        async arrive() {
          if (kind === 'delay') await new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 1000))
          if (kind === 'hang') await new Promise<void>((resolve) => hanging.add(resolve))
          return kind !== 'hang' && kind !== 'reset_before'
        },
        doesWork: kind !== 'status',
        answer:
          kind === 'status' || kind === 'status_after'
            ? { status: fault.status ?? 500, headers: fault.headers ?? {} }
            : undefined,
        losesAnswer: kind === 'reset_after',
        rejectsAll: kind === 'partial_success',
        neverAnswers: kind === 'hang',
      }
    },
  }
}

const unharmed: Fate = {
  arrive: async () => true,
  doesWork: true,
  answer: undefined,
  losesAnswer: false,
  rejectsAll: false,
  neverAnswers: false,
}
