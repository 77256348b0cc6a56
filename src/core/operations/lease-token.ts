import * as z from 'zod'
import type { RatedUsage } from '../domain/ledger/command.js'
import { BillingError } from '../errors.js'

/** Leave for one piece of work, given out of a lease. Its usage is recorded with it, or it is given back. */
export interface LeaseToken {
  /** The hold that reserves it. */
  readonly holdId: string
  /** In micro-units of the meter, or micro-sparks. */
  readonly amount: bigint
  /** Gives it back: nothing was used. Harmless to repeat, and after its usage was recorded. */
  cancel(): void
}

/** What a piece of work came to. */
export type Used = Pick<RatedUsage, 'quantity' | 'sparks'>

/** What the recording of usage needs of a token. */
export interface LeaseShare extends LeaseToken {
  readonly accountId: string
  /** Takes what was used out of what is reserved here. */
  settle(used: Used): void
}

/** Whether something is leave that a lease gave. */
export function isLeaseToken(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'settle' in value && 'holdId' in value
}

/** A field for such leave. */
export const leaseTokenField = z.custom<LeaseShare>(isLeaseToken, 'must be what a lease gave').optional()

/** @throws BillingError `invalid_request` for leave that was given to another account */
export function checkLeave(token: LeaseShare, accountId: string): void {
  if (token.accountId === accountId) return
  const message = `leaseToken was given to account ${token.accountId}, and this is usage of account ${accountId}.`
  throw new BillingError('invalid_request', message, { details: { field: 'leaseToken' } })
}
