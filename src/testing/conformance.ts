import { isDeepStrictEqual } from 'node:util'
import { BillingError, type ErrorCode } from '../core/errors.js'

/** One promise that an implementation must keep; any test runner can run it. */
export interface ConformanceCase {
  /** A sentence about behaviour. */
  readonly name: string
  /** Rejects when the promise is not kept. */
  readonly run: () => Promise<void>
}

/** Fails unless both are deeply equal. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return
  throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** Fails unless the action fails with this code. */
export async function expectError(code: ErrorCode, action: () => unknown): Promise<void> {
  let failure: unknown
  try {
    await action()
  } catch (error) {
    failure = error
  }
  if (BillingError.is(failure) && failure.code === code) return
  const got = failure === undefined ? 'nothing was thrown' : BillingError.is(failure) ? failure.code : String(failure)
  throw new Error(`expected the error ${code}, but ${got}`, { cause: failure })
}

function show(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value)
}
