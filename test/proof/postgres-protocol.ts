import type { Socket } from 'node:net'

/** A message of the protocol: one byte of type, four of length, and what it says. */
export interface Message {
  /** Empty for the start-up message, which has no type. */
  readonly type: string
  /** All of it, as it was sent. */
  readonly bytes: Buffer
  readonly body: Buffer
}

const encryptionRequests: readonly number[] = [80_877_103, 80_877_104]

/** Cuts a stream into messages, however they were packed. @see https://www.postgresql.org/docs/current/protocol-message-formats.html */
export function readMessages(
  socket: Socket,
  { hasStartup }: { readonly hasStartup: boolean },
  onMessage: (message: Message) => void,
): void {
  let isStartup = hasStartup
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    for (;;) {
      const typeBytes = isStartup ? 0 : 1
      if (rest.length < typeBytes + 4) return
      const size = typeBytes + rest.readInt32BE(typeBytes)
      if (rest.length < size) return
      const bytes = rest.subarray(0, size)
      rest = rest.subarray(size)
      const body = bytes.subarray(typeBytes + 4)
      if (isStartup && encryptionRequests.includes(body.readInt32BE(0))) {
        socket.write('N')
        continue
      }
      onMessage({ type: isStartup ? '' : bytes.toString('latin1', 0, 1), bytes, body })
      isStartup = false
    }
  })
}

/**
 * Follows a client and says which statements a message executes: all of a simple query's, or the one that was parsed for the portal
 * which an Execute names.
 */
export function statementReader(): (type: string, body: Buffer) => readonly string[] {
  const parsed = new Map<string, string>()
  const portals = new Map<string, string>()
  return (type, body) => {
    const [first = '', second = ''] = ['P', 'B', 'E', 'Q'].includes(type) ? textsOf(body) : []
    if (type === 'P') parsed.set(first, second)
    if (type === 'B') portals.set(first, parsed.get(second) ?? '')
    if (type === 'E') return [portals.get(first)?.trim() ?? '']
    // None of our statements has a semicolon inside a text that would begin another statement of interest.
    if (type === 'Q') return first.split(';').flatMap((sql) => sql.trim() || [])
    return []
  }
}

/** What CommandComplete says was done: "COMMIT", "INSERT 0 1". */
export function commandTag(body: Buffer): string {
  return textsOf(body)[0] ?? ''
}

/** The two texts a message begins with, each ended by a zero byte. */
function textsOf(body: Buffer): readonly string[] {
  const first = body.indexOf(0)
  const second = body.indexOf(0, first + 1)
  return [body.toString('utf8', 0, first), second < 0 ? '' : body.toString('utf8', first + 1, second)]
}
