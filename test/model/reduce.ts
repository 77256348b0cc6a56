import type { Step } from './sequence.js'

/** The fewest of these steps that still fail, found by leaving out ever smaller stretches. */
export async function reduceSteps<T>(
  steps: readonly T[],
  fails: (steps: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = steps
  for (let size = Math.ceil(kept.length / 2); size >= 1; ) {
    let hasShrunk = false
    for (let from = 0; from < kept.length; ) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)]
      if (without.length > 0 && (await fails(without))) {
        kept = without
        hasShrunk = true
      } else from += size
    }
    if (size > 1) size = Math.ceil(size / 2)
    else if (!hasShrunk) break
  }
  return kept
}

/** The batches of a sequence, each with its time. */
export function batchesOf(steps: readonly Step[]): readonly (readonly Step[])[] {
  const batches = new Map<number, Step[]>()
  for (const step of steps) {
    const batch = batches.get(step.batch)
    if (batch) batch.push(step)
    else batches.set(step.batch, [step])
  }
  return [...batches.values()]
}

/** Steps as text that a person can read, one a line. */
export function show(steps: readonly Step[]): string {
  return steps
    .map(({ batch, at, command }) => {
      const { dedupe: _, fingerprint: __, ...rest } = { dedupe: '', fingerprint: '', ...command }
      const text = JSON.stringify(rest, (_key, value) => (typeof value === 'bigint' ? `${value}n` : value))
      return `  batch ${batch} at ${new Date(at).toISOString()} ${text}`
    })
    .join('\n')
}
