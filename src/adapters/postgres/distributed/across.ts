/** What is read over all accounts at once: outside of transactions that write, and without locks. */
export type Crossing =
  | 'deliveries that are due'
  | 'whose deliveries these are'
  | 'deliveries that were given up'
  | 'accounts with something that is due'
  | 'accounts that are suspended'
  | 'balances of accounts'
  | 'events of accounts'
  | 'deliveries by destination'
  | 'accounts to verify'
  | 'every account'
  | 'accounts of an e-mail'

/** Marks a statement that every shard has to answer, for whoever reads the server's log. */
export function across(crossing: Crossing, query: string): string {
  return `/* across accounts: ${crossing} */ ${query}`
}
