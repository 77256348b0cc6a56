import { type StripeWorld, tableOf } from './world.js'

/** Something that happens by itself when the sandbox clock gets there. */
export interface DueWork {
  readonly id: string
  readonly dueAtMs: number
  readonly kind: 'expire_session' | 'settle_payment' | 'renew_subscription'
  readonly target: string
  /** How a delayed payment ends. */
  readonly succeeds?: boolean
}

const dueWork = tableOf<DueWork>('due_work')

export function schedule(world: StripeWorld, work: Omit<DueWork, 'id'>): void {
  const id = `${work.kind} ${work.target}`
  dueWork(world).put(id, { id, ...work })
}

export function unschedule(world: StripeWorld, kind: DueWork['kind'], target: string): void {
  const id = `${kind} ${target}`
  if (dueWork(world).has(id)) dueWork(world).delete(id)
}

/** Takes the earliest work whose time has come. */
export function takeDue(world: StripeWorld): DueWork | undefined {
  const now = world.now()
  let first: DueWork | undefined
  for (const work of dueWork(world).values()) {
    if (work.dueAtMs <= now && (first === undefined || work.dueAtMs < first.dueAtMs)) first = work
  }
  if (first !== undefined) dueWork(world).delete(first.id)
  return first
}
