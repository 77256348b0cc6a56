import { BillingError } from '../index.js'
import { deadline } from './deadline.js'
import { RequestError } from './request-error.js'

/** How much of a body is read, for how long, and how deep it may be. */
export interface BodyLimits {
  readonly bytes: number
  readonly depth: number
  readonly ms: number
}

/** The limits of a handler. */
export function bodyLimitsOf({
  maximumBodyBytes = 1_048_576,
  maximumBodySeconds = 30,
}: {
  readonly maximumBodyBytes?: number
  readonly maximumBodySeconds?: number
}): BodyLimits {
  return { bytes: maximumBodyBytes, depth: 32, ms: maximumBodySeconds * 1_000 }
}

/**
 * The body's bytes.
 *
 * @throws RequestError `payload_too_large` as soon as more than the limit came, `request_timeout`, `unsupported_media_type`, `invalid_request` (it broke off)
 * @throws BillingError `config_invalid` for a body that somebody else has read
 */
export async function readBytes(request: Request, limits: Omit<BodyLimits, 'depth'>): Promise<Uint8Array<ArrayBuffer>> {
  const { bytes: limit } = limits
  const tooLarge = () => new RequestError('payload_too_large', `The body has more than ${limit} bytes.`)
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  if (length > limit) throw tooLarge()
  const encoding = request.headers.get('content-encoding') ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    throw new RequestError('unsupported_media_type', `Bodies are taken as they are, not ${encoding}.`)
  if (length >= 0) {
    // Servers read no more than was announced, and what is read at once needs no stream, which some make only when it is asked for.
    const late = lateness(limits.ms)
    const whole = request.arrayBuffer().catch((error: unknown) => {
      throw /unusable|already|locked|disturbed/.test(String(error)) ? readBefore() : brokenOff()
    })
    const bytes = new Uint8Array(await Promise.race([whole, late.passed]).finally(late.end))
    if (bytes.length > limit) throw tooLarge()
    return bytes
  }
  if (request.bodyUsed || request.body?.locked) throw readBefore()
  if (!request.body) return new Uint8Array()
  const bytes = await gathered(inTime(request.body, limits.ms), limit)
  if (!bytes) throw tooLarge()
  return bytes
}

/** What comes as one piece; `null`, and no more is asked for, as soon as it is more than the limit. */
export async function gathered(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of pieces) {
    length += chunk.length
    if (length > limit) return null
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

function readBefore(): BillingError {
  const message = 'The body was read before billing could: let billing come first, or read a `request.clone()`.'
  return new BillingError('config_invalid', message)
}

/** Whoever sends it went away: nothing of ours failed. */
function brokenOff(): RequestError {
  return new RequestError('invalid_request', 'The body broke off.')
}

/** What comes of a body in time. @throws RequestError `request_timeout` */
async function* inTime(body: ReadableStream<Uint8Array>, ms: number): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader()
  const late = lateness(ms)
  let isWhole = false
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read().catch(() => Promise.reject(brokenOff())), late.passed])
      isWhole = done
      if (done) return
      yield value
    }
  } finally {
    late.end()
    if (!isWhole) reader.cancel().catch(() => undefined)
  }
}

/** Whoever sends a body a byte at a time must not keep us waiting. */
function lateness(ms: number) {
  return deadline(ms, () => new RequestError('request_timeout', `The body did not come within ${ms / 1_000} seconds.`))
}

/**
 * The text of a body that is JSON; `{}` for none.
 *
 * @throws RequestError `unsupported_media_type`, `payload_too_large`, `request_timeout`, `invalid_json` (also what is too deep, or names a field twice), `unknown_field` (one for
 * a card's number), `invalid_request` (a card's number anywhere)
 */
export async function readJson(request: Request, limits: BodyLimits): Promise<string> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  const bytes = await readBytes(request, limits)
  if (bytes.length === 0 && (type === '' || type === 'application/json')) return '{}'
  if (type !== 'application/json') throw new RequestError('unsupported_media_type', 'Send application/json.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new RequestError('invalid_json', 'The body is no UTF-8.')
  }
  if (deeperThan(text, limits.depth))
    throw new RequestError('invalid_json', `The body is nested deeper than ${limits.depth}.`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new RequestError('invalid_json', 'The body is no JSON.')
  }
  if (namesTwice(text)) throw new RequestError('invalid_json', 'The body names a field twice.')
  const never = 'Never send a card number: use a form of the payment provider.'
  const card = cardIn(value)
  if (card !== null) throw new RequestError(card === 'field' ? 'unknown_field' : 'invalid_request', never)
  return text
}

/** Counted before it is parsed: what is nested deeply enough overflows those who walk through it. */
export function deeperThan(text: string, limit: number): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (isText) {
      if (code === backslash) at += 1
      else if (code === quote) isText = false
    } else if (code === quote) isText = true
    else if (code === brace || code === bracket) {
      depth += 1
      if (depth > limit) return true
    } else if (code === braceEnd || code === bracketEnd) depth -= 1
  }
  return false
}

const [quote, backslash] = [0x22, 0x5c]
const [bracket, bracketEnd, brace, braceEnd] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Whether an object in JSON names a field twice. Of those, something on the way here may have looked at the first, and the last is what counts.
 *
 * @see https://www.rfc-editor.org/rfc/rfc7493#section-2.3
 */
function namesTwice(json: string): boolean {
  const colon = /\s*:/y
  /** The names of each object that is open; `null` for a list. */
  const open: (Set<string> | null)[] = []
  for (let at = 0; at < json.length; at += 1) {
    const char = json[at]
    if (char === '{') open.push(new Set())
    else if (char === '[') open.push(null)
    else if (char === '}' || char === ']') open.pop()
    else if (char === '"') {
      const start = at
      for (at += 1; json[at] !== '"'; at += 1) if (json[at] === '\\') at += 1
      const names = open.at(-1)
      // Only a name is followed by a colon.
      colon.lastIndex = at + 1
      if (!names || !colon.test(json)) continue
      const name = JSON.parse(json.slice(start, at + 1)) as string
      if (names.has(name)) return true
      names.add(name)
    }
  }
  return false
}

/** A card in it: a field for one, or digits anywhere in a text or name that are a card's number and pass its check (ISO/IEC 7812). It must not come here at all. */
function cardIn(value: unknown): 'field' | 'number' | null {
  if (typeof value === 'string') return holdsCardNumber(value) ? 'number' : null
  if (typeof value === 'number') return Number.isSafeInteger(value) && holdsCardNumber(String(value)) ? 'number' : null
  if (typeof value !== 'object' || value === null) return null
  const names = Array.isArray(value) ? [] : Object.keys(value)
  if (names.some(isCardField)) return 'field'
  if (names.some(holdsCardNumber)) return 'number'
  for (const each of Object.values(value)) {
    const card = cardIn(each)
    if (card !== null) return card
  }
  return null
}

function isCardField(name: string): boolean {
  return /^(card_?number|cvc|cvv|cvv2|pan)$/i.test(name)
}

/** Numbers that stand by themselves, with the spaces and hyphens that people write into a card's. */
const longNumbers = /(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.]*\w)/g

function holdsCardNumber(text: string): boolean {
  return text.length >= 13 && [...text.matchAll(longNumbers)].some(([found]) => isCardNumber(found.replace(/\D/g, '')))
}

function isCardNumber(digits: string): boolean {
  // Beginning and length as issuers have them, so that a time in milliseconds is none.
  if (!/^(?:4\d{12,18}|(?:2[2-7]|3\d|5[0-8]|6\d)\d{12,17})$/.test(digits)) return false
  let sum = 0
  for (let place = 0; place < digits.length; place += 1) {
    const digit = Number(digits[digits.length - 1 - place])
    const doubled = place % 2 === 1 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
