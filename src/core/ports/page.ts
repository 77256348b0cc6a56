/** Which page of a provider's list; `after` is the `next` of the page before. */
export interface ListPage {
  readonly limit: number
  readonly after?: string
}

/** A page of a provider's list, newest first; `next` is `null` on the last one. */
export interface Listed<T> {
  readonly items: readonly T[]
  readonly next: string | null
}
