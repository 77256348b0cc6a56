/** The text of an answer. @throws RangeError as soon as it has more bytes than that */
export async function textWithin(response: Response, maximumBytes: number): Promise<string> {
  if (!response.body) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > maximumBytes) throw new RangeError(`The answer has more than ${maximumBytes} bytes.`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
