import { countModelTokens } from './tokens.js'

/** What the model twin answers the next matching request with. What is left out is as usual. */
export interface ModelReply {
  /** Only for requests of this model, or whose path has this in it. */
  readonly match?: { readonly model?: string; readonly pathIncludes?: string }
  /** How many requests it is for; default 1. */
  readonly times?: number
  /** What the model says: a text, its pieces as they are streamed, or how many words. Default 8 words, or less where the request allows less. */
  readonly says?: string | readonly string[] | number
  /** Functions it calls after that. */
  readonly calls?: readonly { readonly name: string; readonly arguments: string }[]
  /** `missing`: no usage anywhere. An object takes the place of the usage that is true. */
  readonly usage?: 'missing' | Readonly<Record<string, unknown>>
  /** Fields of the body, such as `usageMetadata` or `service_tier`; streamed, they come with the usage. */
  readonly body?: Readonly<Record<string, unknown>>
  /** Goes on beyond what the request allows, as no honest model does. */
  readonly ignoresLimit?: boolean
  /** Says nothing more after so many pieces, until the client goes away or `resume()` is called. */
  readonly stallAfter?: number
  /** Cuts the connection after so many pieces. */
  readonly cutAfter?: number
  /** Real time before each piece. */
  readonly pieceDelayMs?: number
  /** Refuses with this status, as the vendor would. */
  readonly refuse?: {
    readonly status: number
    readonly message?: string
    readonly headers?: Readonly<Record<string, string>>
  }
}

/** One piece of an answer, as it is streamed. */
export type Piece =
  | { readonly kind: 'text'; readonly text: string; readonly tokens: number }
  | {
      readonly kind: 'call'
      readonly index: number
      readonly name: string
      readonly part: string
      readonly isFirst: boolean
      readonly tokens: number
    }

/** An answer, whatever the wire format. */
export interface Answer {
  readonly pieces: readonly Piece[]
  readonly finish: 'stop' | 'length' | 'calls'
  readonly usage: ModelReply['usage']
  readonly body: Readonly<Record<string, unknown>>
  readonly script: ModelReply
}

/** What a reply comes to for a request that allows so many tokens. */
export function answerOf(script: ModelReply, limit: number | undefined): Answer {
  const all = [...spoken(script), ...called(script)]
  const pieces: Piece[] = []
  let tokens = 0
  for (const piece of all) {
    if (limit !== undefined && tokens + piece.tokens > limit && !script.ignoresLimit) break
    tokens += piece.tokens
    pieces.push(piece)
  }
  const finish = pieces.length < all.length ? 'length' : script.calls?.length ? 'calls' : 'stop'
  return { pieces, finish, usage: script.usage, body: script.body ?? {}, script }
}

function spoken({ says, calls }: ModelReply): readonly Piece[] {
  if (typeof says === 'object') return says.map(textPiece)
  if (typeof says === 'string') return (says.match(/\s?\S+|\s+/g) ?? []).map(textPiece)
  if (says === undefined && calls) return []
  return Array.from({ length: says ?? 8 }, (_, index) =>
    textPiece(`${index === 0 ? '' : ' '}${words[index % words.length]}`),
  )
}

const words = ['credits', 'are', 'held', 'before', 'a', 'call', 'and', 'captured', 'after', 'it']

function textPiece(text: string): Piece {
  return { kind: 'text', text, tokens: countModelTokens(text) }
}

function called({ calls = [] }: ModelReply): readonly Piece[] {
  return calls.flatMap(({ name, arguments: text }, index) => {
    const parts = text.match(/[\s\S]{1,6}/g) ?? ['']
    return parts.map((part, place): Piece => ({ kind: 'call', index, name, part, isFirst: place === 0, tokens: 1 }))
  })
}

/** The text of an answer, and its calls put together. */
export function whole(pieces: readonly Piece[]) {
  const text = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('')
  const calls: { readonly name: string; arguments: string }[] = []
  for (const piece of pieces) {
    if (piece.kind !== 'call') continue
    const call = calls[piece.index]
    if (call) call.arguments += piece.part
    else calls[piece.index] = { name: piece.name, arguments: piece.part }
  }
  return { text, calls }
}
