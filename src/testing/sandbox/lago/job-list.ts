import { eventErrorJob } from './event-errors.js'
import { invoiceJobs } from './invoice-jobs.js'
import type { LagoJob } from './jobs.js'
import { subscriptionJobs } from './subscription-jobs.js'
import { walletJobs } from './wallets.js'

/** What Lago does by its clock. */
export const jobs: readonly LagoJob[] = [...subscriptionJobs, ...walletJobs, ...invoiceJobs, eventErrorJob]
