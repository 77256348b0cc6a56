import { type LagoWorld, tableOf } from './world.js'

/** Work that Lago does by its clock, at full intervals. */
export interface LagoJob {
  readonly name: string
  readonly everyMs: number
  run(world: LagoWorld): void
}

const runs = tableOf<{ readonly lastMs: number }>('job_runs')

/** Runs the jobs whose time has come since they last ran. Each looks for what is due by itself, so that one run catches up with all. */
export function runJobs(world: LagoWorld, jobs: readonly LagoJob[]): boolean {
  const now = world.now()
  const due = jobs.filter(({ name, everyMs }) => {
    const last = runs(world).get(name)
    return last === undefined || Math.floor(last.lastMs / everyMs) < Math.floor(now / everyMs)
  })
  if (due.length === 0) return false
  world.journal.commit(() => {
    for (const job of due) {
      if (runs(world).has(job.name)) job.run(world)
      runs(world).put(job.name, { lastMs: now })
    }
  })
  return true
}
