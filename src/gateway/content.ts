import { invalidParameter } from './gateway-error.js'

/** What a request asks a model to read. */
export interface Content {
  /** Every text, for whoever counts tokens. */
  readonly texts: readonly string[]
  /** Tokens that come as their numbers. */
  readonly tokens: number
  readonly pictures: number
  /** What is to be kept in the vendor's cache, and how long. */
  readonly cacheWrites: '5m' | '1h' | null
  /** The whole as JSON, pictures left out: a model is not given more text than this. */
  readonly json: string
}

const pictureTypes: ReadonlySet<unknown> = new Set(['image_url', 'input_image', 'image'])

/**
 * Looks through what a request asks a model to read.
 *
 * @param parts the fields of the request that the model reads, by name
 * @param types the types of parts that cost no more than their text; others are refused, since nothing bounds what they cost
 * @throws GatewayError for a part of another type
 */
export function contentOf(parts: Readonly<Record<string, unknown>>, types: ReadonlySet<string>): Content {
  const texts: string[] = []
  const pictures = new Set<unknown>()
  let tokens = 0
  let cacheWrites: Content['cacheWrites'] = null

  const walkObject = (value: Readonly<Record<string, unknown>>, place: Place): void => {
    const { type, cache_control: cache } = value
    if (cache !== undefined && cache !== null)
      cacheWrites = cacheWrites === '1h' || (cache as { ttl?: unknown }).ttl === '1h' ? '1h' : '5m'
    if (place.isPart && typeof type === 'string') {
      if (pictureTypes.has(type)) return void pictures.add(value)
      const what = `parts of type ${JSON.stringify(type.slice(0, 40))} are not served here`
      if (!types.has(type)) throw invalidParameter(place.path, what)
    }
    for (const [name, each] of Object.entries(value)) {
      // Arguments of a function are in no format of the vendor's: what looks like a part in them is none.
      const isArgument = name === 'input' && place.isPart && typeof each === 'object'
      if (isArgument) texts.push(JSON.stringify(each))
      else walk(each, { name, path: `${place.path}.${name}`, holdsParts: place.holdsParts, isPart: false })
    }
  }
  const walk = (value: unknown, place: Place): void => {
    if (typeof value === 'string') {
      if (readNames.has(place.name)) texts.push(value)
    } else if (typeof value === 'number') {
      if (place.name === 'input') tokens += 1
    } else if (Array.isArray(value)) {
      const isPart = place.holdsParts && partNames.has(place.name)
      for (const [index, each] of value.entries())
        walk(each, { ...place, path: `${place.path}[${index}]`, isPart: isPart || place.isPart })
    } else if (typeof value === 'object' && value !== null) walkObject(value as Record<string, unknown>, place)
  }
  for (const [name, part] of Object.entries(parts))
    walk(part, { name, path: name, holdsParts: partNames.has(name), isPart: false })
  const withoutPictures = (_: string, value: unknown) => (pictures.has(value) ? null : value)
  const json = JSON.stringify(parts, pictures.size > 0 ? withoutPictures : undefined)
  return { texts, tokens, pictures: pictures.size, cacheWrites, json }
}

/** Where something stands: under which name, whether the vendor's parts may be below it, and whether it is one itself. */
interface Place {
  readonly name: string
  readonly path: string
  readonly holdsParts: boolean
  readonly isPart: boolean
}

/** Lists whose items are parts with a type. */
const partNames: ReadonlySet<string> = new Set(['messages', 'content', 'input', 'system', 'output', 'summary'])

/** Fields whose text a model reads, and not those that name or place something. */
const readNames: ReadonlySet<string> = new Set([
  ...['content', 'text', 'input', 'instructions', 'system', 'arguments', 'output', 'description', 'thinking'],
])
