import { type StripeWorld, tableOf } from './world.js'

/** Something that happens by itself when the clock gets there. */
export interface DueWork {
  readonly id: string
  readonly dueAtMs: number
  readonly kind: DueKind
  readonly target: string
  /** The test clock it waits for; nothing for the sandbox's own. */
  readonly clock: string | null
  /** How a delayed refund ends. */
  readonly succeeds?: boolean
}

export type DueKind =
  | 'expire_session'
  | 'settle_intent'
  | 'settle_refund'
  | 'finalize_invoice'
  | 'collect_invoice'
  | 'overdue_invoice'
  | 'renew_subscription'
  | 'announce_trial_end'
  | 'announce_renewal'
  | 'cancel_subscription'
  | 'expire_subscription'
  | 'expire_pending_update'
  | 'resume_collection'
  | 'finalize_renewal'
  | 'advance_schedule'
  | 'retry_invoice'
  | 'report_meter_errors'
  | 'advance_clock'
  | 'expire_credit'
  | 'expire_promotion_code'
  | 'delete_clock'

const dueWork = tableOf<DueWork>('due_work')

export function schedule(world: StripeWorld, work: Omit<DueWork, 'id' | 'clock'>): void {
  const id = `${work.kind} ${work.target}`
  dueWork(world).put(id, { id, ...work, clock: world.clock })
}

export function unschedule(world: StripeWorld, kind: DueKind, target: string): void {
  const id = `${kind} ${target}`
  if (dueWork(world).has(id)) dueWork(world).delete(id)
}

/** Takes the earliest work of a clock whose time has come. */
export function takeDue(world: StripeWorld): DueWork | undefined {
  const now = world.now()
  let first: DueWork | undefined
  for (const work of dueWork(world).values()) {
    // Rows of older journals name no clock.
    if ((work.clock ?? null) !== world.clock) continue
    if (work.dueAtMs <= now && (first === undefined || work.dueAtMs < first.dueAtMs)) first = work
  }
  if (first !== undefined) dueWork(world).delete(first.id)
  return first
}
