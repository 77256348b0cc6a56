const pageSize = 500

/** Where a page begins, and how long it is at most. */
interface PagePlace {
  readonly limit: number
  readonly after?: string
}

/** Page after page of what a store lists, until one is not full; `cursorOf` its last row the next one begins. */
export async function* pagesOf<Row>(
  read: (place: PagePlace) => Promise<readonly Row[]>,
  cursorOf: (row: Row) => string,
): AsyncGenerator<readonly Row[]> {
  for (let after: string | undefined; ; ) {
    const page = await read({ limit: pageSize, ...(after === undefined ? {} : { after }) })
    yield page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    after = cursorOf(last)
  }
}
