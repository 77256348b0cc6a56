/** Items of which the first is at hand. */
export interface Heap<Item> {
  push(item: Item): void
  /** The first, or `undefined`. */
  first(): Item | undefined
  /** Takes the first out. */
  pop(): Item | undefined
}

/** A heap of items that come in the order of a number, smallest first. */
export function createHeap<Item>(rankOf: (item: Item) => number): Heap<Item> {
  const items: Item[] = []
  const rank = (index: number) => {
    const item = items[index]
    return item === undefined ? Number.POSITIVE_INFINITY : rankOf(item)
  }
  const swap = (left: number, right: number) => {
    const item = items[left] as Item
    items[left] = items[right] as Item
    items[right] = item
  }

  return {
    first: () => items[0],
    push(item) {
      items.push(item)
      for (let index = items.length - 1; index > 0; ) {
        const parent = (index - 1) >> 1
        if (rank(parent) <= rank(index)) return
        swap(parent, index)
        index = parent
      }
    },
    pop() {
      const [first] = items
      const last = items.pop()
      if (items.length === 0 || last === undefined) return first
      items[0] = last
      for (let index = 0; ; ) {
        const left = 2 * index + 1
        const child = rank(left + 1) < rank(left) ? left + 1 : left
        if (rank(index) <= rank(child)) return first
        swap(index, child)
        index = child
      }
    },
  }
}
