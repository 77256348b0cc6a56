/** A time after which a promise rejects; `end` takes it back. Made into an error only when it has passed: most never do. */
export function deadline(ms: number, late: () => Error): { readonly passed: Promise<never>; readonly end: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const passed = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), ms)
  })
  // Heard of where it is raced.
  passed.catch(() => undefined)
  return { passed, end: () => clearTimeout(timer) }
}
