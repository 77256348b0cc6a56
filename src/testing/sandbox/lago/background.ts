import { type LagoWorld, newLagoId, tableOf } from './world.js'

/** Work that Lago has been asked for and does after it has answered. */
export interface BackgroundWork {
  readonly id: string
  readonly kind: BackgroundKind
  /** What it is about. */
  readonly subject: string
  readonly detail: string | null
  readonly dueAtMs: number
}

export type BackgroundKind = 'generate_pdf' | 'collect' | 'settle_payment' | 'settle_refund'

export type BackgroundWorkers = Readonly<Record<BackgroundKind, (world: LagoWorld, work: BackgroundWork) => void>>

const backgroundWork = tableOf<BackgroundWork>('background')

export function doLater(
  world: LagoWorld,
  kind: BackgroundKind,
  subject: string,
  { delayMs = 0, detail = null }: { readonly delayMs?: number; readonly detail?: string | null } = {},
): void {
  const id = newLagoId()
  backgroundWork(world).put(id, { id, kind, subject, detail, dueAtMs: world.now() + delayMs })
}

/** Whether such work waits already. */
export function isWaiting(world: LagoWorld, kind: BackgroundKind, subject: string): boolean {
  return [...backgroundWork(world).values()].some((work) => work.kind === kind && work.subject === subject)
}

/** Does what is due, and what that leads to. */
export function runBackground(world: LagoWorld, workers: BackgroundWorkers): void {
  const due = () => [...backgroundWork(world).values()].find(({ dueAtMs }) => dueAtMs <= world.now())
  if (due() === undefined) return
  world.journal.commit(() => {
    for (let work = due(); work !== undefined; work = due()) {
      backgroundWork(world).delete(work.id)
      workers[work.kind](world, work)
    }
  })
}
