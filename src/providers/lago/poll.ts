import type { CallOptions } from '../../core/ports/call-options.js'

/** How long to wait before each look: about four seconds in all. */
const waitsMs = [150, 300, 600, 1_200, 1_800]

/** Looks until something is there, with longer waits each time; `null` when it did not come in time, or nobody waits any more. */
export async function poll<Found>(
  { signal }: CallOptions,
  look: () => Promise<Found | null>,
  pauses: readonly number[] = waitsMs,
): Promise<Found | null> {
  for (const wait of pauses) {
    if (signal?.aborted) return null
    await new Promise((resolve) => setTimeout(resolve, wait))
    const found = await look()
    if (found !== null) return found
  }
  return null
}
