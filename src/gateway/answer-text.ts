import { gathered } from '../http/body.js'

/** The text of an answer. @throws RangeError as soon as it has more bytes than that */
export async function textWithin(response: Response, maximumBytes: number): Promise<string> {
  if (!response.body) return ''
  const bytes = await gathered(response.body as unknown as AsyncIterable<Uint8Array>, maximumBytes)
  if (!bytes) throw new RangeError(`The answer has more than ${maximumBytes} bytes.`)
  return new TextDecoder().decode(bytes)
}
