/** Which methods are measured, and how. */
export interface MeasuredMethods {
  /** By the name it has from the top: `credits.grant`, or `credits` for all of them. */
  readonly isLeftOut: (name: string) => boolean
  readonly around: <T>(name: string, work: () => Promise<T>) => Promise<T>
}

/** An object like this one whose methods are measured, in its groups too, where they answer with a promise. */
export function withMeasuredMethods<T extends object>(target: T, how: MeasuredMethods, prefix = ''): T {
  // A copy of anything else would lack what it inherits.
  if (!isPlain(target)) return target
  const members = Object.entries(target).map(([name, member]: [string, unknown]) => {
    const path = `${prefix}${name}`
    if (how.isLeftOut(path)) return [name, member]
    if (typeof member === 'function') return [name, measured(target, path, member as Method, how)]
    return [name, isPlain(member) ? withMeasuredMethods(member, how, `${path}.`) : member]
  })
  return Object.fromEntries(members) as T
}

type Method = (...given: unknown[]) => unknown

function measured(target: object, path: string, method: Method, { around }: MeasuredMethods): Method {
  return (...given) => {
    let answer: unknown
    let isPromised = false
    let thrown: { readonly error: unknown } | undefined
    const done = around(path, async () => {
      try {
        answer = Reflect.apply(method, target, given)
      } catch (error) {
        thrown = { error }
        throw error
      }
      isPromised = answer instanceof Promise
      return answer
    })
    if (isPromised) return done
    // What it answers or throws at once, or hands out bit by bit, is the caller's at once.
    done.catch(() => {})
    if (thrown) throw thrown.error
    return answer
  }
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
