// What is done about accounts now and then, mostly by operators, is loaded when it is first asked for.
export { adjustCredits, expireCredits } from './adjustments.js'
export { amendUsage, voidUsage } from './amendments.js'
export { getAutoTopUp, setAutoTopUp } from './auto-top-up.js'
export { eraseAccount } from './erase-account.js'
export { findAccounts } from './find-accounts.js'
