import type { LedgerCommand } from '../../core/domain/ledger/command.js'
import { grouped } from '../kit/grouped.js'

/** A command, and where it stands in its batch. */
export interface Item {
  readonly command: LedgerCommand
  readonly place: number
}

/** All commands of some accounts, in pieces that are decided one after the other. */
export type Part = readonly (readonly Item[])[]

/** So many commands are worth statements of their own. */
const smallestPiece = 64

/**
 * Takes a batch apart into about four pieces. Commands of one account stay in order and in one part, which is what is loaded at once; the
 * parts are in order of account, so that locks are taken in one order by everybody.
 */
export function partsOf(commands: readonly LedgerCommand[]): readonly Part[] {
  const items = commands.map((command, place) => ({ command, place }))
  const size = Math.max(smallestPiece, Math.ceil(commands.length / 4))
  if (commands.length < 2 * size) return [[items]]
  const byAccount = grouped(items, ({ command }) => command.accountId)
  const parts: Part[] = []
  let part: Item[] = []
  const end = (): void => {
    if (part.length > 0) parts.push(piecesOf(part, size))
    part = []
  }
  for (const accountId of [...byAccount.keys()].sort()) {
    part.push(...(byAccount.get(accountId) ?? []))
    if (part.length >= size) end()
  }
  end()
  return parts
}

/** A hot account takes most of a batch: its part is taken apart too. */
function piecesOf(part: readonly Item[], size: number): Part {
  const each = Math.ceil(part.length / Math.max(1, Math.floor(part.length / size)))
  const pieces: (readonly Item[])[] = []
  for (let from = 0; from < part.length; from += each) pieces.push(part.slice(from, from + each))
  return pieces
}
