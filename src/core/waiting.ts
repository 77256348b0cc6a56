import type { LedgerCommand } from './domain/ledger/command.js'
import type { LedgerOutcome } from './domain/ledger/outcome.js'

/** A command that waits for its outcome. */
export interface Waiting {
  readonly command: LedgerCommand
  readonly bytes: number
  readonly resolve: (outcome: LedgerOutcome) => void
  readonly reject: (error: unknown) => void
  /** Whether an attempt may have had its effect, though it was not answered. */
  mayBeThere: boolean
}
