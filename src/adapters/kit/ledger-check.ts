import type { LedgerCheck, LedgerFinding } from '../../core/ports/ledger-verification.js'

/** A finding before it is put in words. */
export type FoundDifference = Omit<LedgerFinding, 'check' | 'message'>

type Sentence = (difference: FoundDifference) => string

const sums =
  (what: string, of: string): Sentence =>
  ({ id, found, expected }) =>
    `${what} of ${id} is ${found}; ${of} come to ${expected}.`

const counts = (what: string): Sentence => sums(what, 'its rows')
const days = (what: string): Sentence => sums(`The sum of the day of ${what}`, 'its rows')

/** What each check says of a difference. All amounts are in millionths. */
const sentences: Readonly<Record<LedgerCheck, Sentence>> = {
  balance: ({ found, expected }) => `The balance is ${found}; the ledger rows sum to ${expected}.`,
  running_balance: ({ id, found, expected }) =>
    `Row ${id} says the balance after it is ${found}; the row before it and its own amount make ${expected}.`,
  row_burns: ({ id, found, expected }) =>
    `Row ${id} burned ${found} of grants; what it took of the balance above zero is ${expected}.`,
  grant_remaining: sums('What is left', 'what rows put in and burned'),
  grant_expired: sums('What expired', 'the rows that let it go'),
  grant_amount: sums('The amount', 'the rows that opened it'),
  grant_terms: ({ id, found, expected }) => `Grant ${id} is ${found}; the row that opened it says ${expected}.`,
  open_grants: ({ found, expected }) => `The grants have ${found} left; the balance above zero is ${expected}.`,
  held: ({ found, expected }) => `${found} is held; the open holds reserve ${expected}.`,
  hold_captured: sums('What was captured', 'the rows that name it'),
  hold_state: ({ id, found, expected }) => `Hold ${id} is ${found}; ${expected}.`,
  counter_held: sums('The units held', 'the open holds'),
  counter_held_allowance: sums('The allowance held', 'the open holds'),
  counter_used: counts('The use'),
  counter_allowance: counts('The allowance given'),
  counter_rated: counts('What the use costs'),
  counter_overage: counts('What is collected afterwards'),
  counter_periods: ({ id, found, expected }) =>
    `The period of ${id} ends at ${found}; ${expected} is the latest it may.`,
  usage_period: ({ id, found, expected }) => `Usage ${id} happened at ${found}; it is counted from ${expected} on.`,
  level_change: ({ id, found, expected }) => `The level of ${id} is ${found}; the usage that set it says ${expected}.`,
  seen_value: ({ id }) => `Value ${id} is marked as counted; no usage counted it.`,
  settled_by: sums('What was paid', 'the Sparks of the row'),
  usage_amount: ({ id, found, expected }) => `Row ${id} takes ${found}; credits and debt paid ${expected} of it.`,
  rollup_events: days('events'),
  rollup_quantity: days('quantities'),
  rollup_sparks: days('Sparks'),
  rollup_charged: days('charges'),
  rollup_cost: days('costs'),
  rollup_dimension: ({ id, found, expected }) =>
    `The sum of the day of ${id} is ${found} (events, quantity, Sparks, charged); its rows come to ${expected}.`,
  budget_held: sums('What is held', 'the open holds that name it'),
  payment_reversed: sums('What was taken back', 'the refund rows'),
  payment_grant: ({ id, found, expected }) => `Payment ${id} bought ${found}; its grant row gives ${expected}.`,
  corrects: ({ id, found }) => `Row ${id} corrects ${found}; no earlier row of the account has that id.`,
  carried: ({ id, found, expected }) => `Counter ${id} carries ${found}, which is not ${expected}.`,
  reported: ({ id, found, expected }) => `Reported and carried of ${id} is ${found}; its usage comes to ${expected}.`,
  delivery_entries: ({ id, found, expected }) => `Between a row and delivery ${id}: ${found}; ${expected}.`,
  delivery_moment: ({ id, found, expected }) =>
    `Delivery ${id} tells of ${found}; the latest of its usage happened at ${expected}.`,
  delivery_kind: ({ id, found, expected }) => `Delivery ${id} is ${found}; ${expected}.`,
  event_delivery: ({ id, found, expected }) => `Delivery ${id} is for event ${found}; the event there is ${expected}.`,
  unique_keys: ({ id, found }) => `The key of ${id} was used ${found} times.`,
  unique_ids: ({ id, found }) => `${found} rows have the id ${id}.`,
  operation: ({ id, found, expected }) => `Row ${id} is ${found}; ${expected}.`,
  stored_answer: ({ id, found, expected }) => `Row ${id} answered ${found}; the row itself says ${expected}.`,
  known_account: ({ id }) => `There is no such account; it has ${id}.`,
  readable: ({ id, found }) => `What check "${id}" looks at cannot be read: ${found}.`,
}

/** A difference, in words. */
export function findingOf(check: LedgerCheck, difference: FoundDifference): LedgerFinding {
  const { accountId } = difference
  const of = accountId === '' ? '' : `Account ${accountId}: `
  return { check, ...difference, message: `${of}${sentences[check](difference)}` }
}
