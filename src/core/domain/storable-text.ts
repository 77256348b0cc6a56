// What the text of a database cannot hold alike everywhere: NUL, and half of a surrogate pair.

export function isStorable(text: string): boolean {
  return !/\0|\p{Surrogate}/u.test(text)
}

/** Text for people, as close to what was said as can be kept. */
export function storable(text: string): string {
  return isStorable(text) ? text : text.replace(/\0|\p{Surrogate}/gu, '\ufffd')
}
