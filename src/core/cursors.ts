import { fingerprintOf, isSameDigest, sealOf } from './domain/ledger/key.js'
import { BillingError } from './errors.js'
import type { RecordStore } from './ports/store.js'

/** Places in lists as they are handed out: each belongs to the list it was made for, and is good for a day. */
export interface Cursors {
  seal(list: CursorList, position: string): Promise<string>
  /** The place. @throws BillingError `invalid_cursor` for one that was changed, is for another list, or is too old */
  open(list: CursorList, cursor: unknown): Promise<string>
}

/** Which list: its name, whose it is, and what it was asked for with. */
export interface CursorList {
  readonly list: string
  readonly [asked: string]: unknown
}

const lifetimeMs = 86_400_000
/** No provider has a name like it. */
const owner = '_cursors'

/** Seals with a secret that all processes on a store share: the first to need one keeps it there. */
export function createCursors(
  records: RecordStore,
  {
    now,
    randomBytes,
  }: { readonly now: () => number; readonly randomBytes: (bytes: Uint8Array<ArrayBuffer>) => unknown },
): Cursors {
  let known: string | undefined

  async function secret(): Promise<string> {
    if (known === undefined) {
      const random = new Uint8Array(32)
      randomBytes(random)
      const body = [...random].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      const kept = await records.get(owner, 'secret')
      // Who comes second takes what the first has kept.
      if (!kept) await records.write(owner, [{ id: 'secret', kind: 'secret', party: owner, revision: 1, body }])
      known = (kept ?? (await records.get(owner, 'secret')))?.body
    }
    if (known === undefined) throw new BillingError('storage_unavailable', 'The secret of cursors could not be kept.')
    return known
  }

  const sealed = async (list: CursorList, place: string) => sealOf(await secret(), `${fingerprintOf(list)} ${place}`)

  return {
    async seal(list, position) {
      const place = `${(now() + lifetimeMs).toString(36)} ${encodeURIComponent(position)}`
      return btoa(`${await sealed(list, place)} ${place}`)
    },
    async open(list, cursor) {
      const [seal = '', end = '', position = ''] = partsOf(cursor)
      const isOurs = seal !== '' && isSameDigest(seal, await sealed(list, `${end} ${position}`))
      if (!isOurs) throw new BillingError('invalid_cursor', 'cursor must be the nextCursor of a page of the same list.')
      if (Number.parseInt(end, 36) <= now())
        throw new BillingError('invalid_cursor', 'cursor is older than a day: begin the list anew.', {
          details: { isExpired: true },
        })
      return decodeURIComponent(position)
    },
  }
}

/** What is no cursor is answered like one that was changed. */
function partsOf(cursor: unknown): readonly string[] {
  if (typeof cursor !== 'string' || cursor.length > 8_000) return []
  try {
    const parts = atob(cursor).split(' ')
    return parts.length === 3 ? parts : []
  } catch {
    return []
  }
}
