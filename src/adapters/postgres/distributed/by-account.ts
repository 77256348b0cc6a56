import { grouped } from '../../kit/grouped.js'

/**
 * Does something for each account's items, for so many accounts at the same time, and answers in the order of the items. Each account
 * stands for itself: when it fails for one, the others are done all the same, and then it throws.
 */
export async function byAccount<Item, Answer>(
  items: readonly Item[],
  accountOf: (item: Item) => string,
  concurrent: number,
  work: (accountId: string, items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<readonly Answer[]> {
  const accounts = grouped(
    items.map((item, place) => ({ item, place })),
    ({ item }) => accountOf(item),
  )
  const answers = new Array<Answer>(items.length)
  const failures: unknown[] = []
  const left = accounts.entries()
  async function next(): Promise<void> {
    for (const [accountId, of] of left) {
      try {
        const answered = await work(
          accountId,
          of.map(({ item }) => item),
        )
        answered.forEach((answer, index) => {
          answers[of[index]?.place ?? 0] = answer
        })
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(concurrent, accounts.size) }, next))
  if (failures.length > 0) throw failures[0]
  return answers
}
