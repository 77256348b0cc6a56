import { eventErrorJob } from './event-errors.js'
import type { LagoJob } from './jobs.js'
import { subscriptionJobs } from './subscription-jobs.js'

/** What Lago does by its clock. */
export const jobs: readonly LagoJob[] = [...subscriptionJobs, eventErrorJob]
