import type { Format } from './format.js'
import type { onDemandEnglish } from './on-demand-messages.js'

/** A text that depends on a number: by the plural rules of the locale. */
export type Plural = { readonly other: string } & { readonly [Rule in Intl.LDMLPluralRule]?: string }

/** Every text of the components, in English. `{name}` is filled in. Sentences are whole, so that they can be translated. */
export const english = {
  'action.cancel': 'Cancel',
  'action.close': 'Close',
  'action.copied': 'Copied',
  'action.copy': 'Copy {what}',
  'action.explain': '{what}: how it came about',
  'action.loadMore': 'Load more',
  'action.newer': 'Show newer',
  'action.retry': 'Try again',
  'action.loading': 'Loading …',

  'problem.title': 'This could not be loaded',
  'problem.write': 'This did not go through',
  'problem.noAnswer': 'No answer came',
  'problem.notApplied': 'Nothing was changed.',
  'problem.unknown': 'We do not know yet whether it went through. Trying again is safe: it happens only once.',
  'problem.boundary': 'This part of the page has failed. The rest of it still works.',
  'problem.reference': 'Reference',
  'problem.stale': 'Shown as of {time}; a newer state could not be loaded.',
  'problem.topUp': 'Buy credits',
  'problem.upgrade': 'See plans',

  'unit.unlimited': 'Unlimited',
  'unit.perMonth': '{amount} a month',
  'unit.perYear': '{amount} a year',
  'unit.once': '{amount} once',
  'unit.free': 'Free',
  'unit.custom': 'By agreement',
  'unit.perSeat': 'per seat',

  'overview.title': 'Billing',
  'overview.portal': 'Open the payment portal',
  'overview.suspended':
    'This account is suspended. What is running goes on; nothing new can be started until it has credit again.',
  'overview.readOnly': 'You can look at billing here, but not change it.',

  'subscription.title': 'Plan',
  'subscription.renews': 'Renews on {date}',
  'subscription.ends': 'Ends on {date}',
  'subscription.ended': 'Ended on {date}',
  'subscription.trial': 'Trial until {date}',
  'subscription.resets': 'Limits start anew on {date}',
  'subscription.lifetime': 'Yours for life, since {date}',
  'subscription.pastDue': 'The last payment failed. Update the payment method to keep the plan.',
  'subscription.change': 'Change plan',
  'subscription.cancel': 'Cancel plan',
  'subscription.reactivate': 'Keep the plan',
  'subscription.cancelTitle': 'Cancel {plan}?',
  'subscription.cancelText': 'It goes on until {date} and is not renewed. Until then you can take this back.',
  'subscription.cancelNow': 'Cancel at the end of the period',
  'subscription.keep': 'Keep it',
  'subscription.canceled': 'The plan ends on {date}.',
  'subscription.reactivated': 'The plan goes on.',
  'subscription.byo': 'With keys of your own: {providers}',
  'subscription.byoNone': 'With keys of your own',

  'status.active': 'Active',
  'status.trialing': 'Trial',
  'status.past_due': 'Past due',
  'status.canceled': 'Canceled',
  'status.paused': 'Paused',
  'status.incomplete': 'Incomplete',
  'status.pending': 'Pending',
  'status.suspended': 'Suspended',
  'status.draft': 'Draft',
  'status.open': 'Open',
  'status.paid': 'Paid',
  'status.void': 'Void',
  'status.uncollectible': 'Uncollectible',
  'status.finalized': 'Finalized',
  'status.failed': 'Failed',
  'status.voided': 'Void',
  'status.expired': 'Expired',
  'status.revoked': 'Revoked',

  'quota.below_quota': 'Within the limit',
  'quota.near_quota': 'Near the limit',
  'quota.at_quota': 'Limit reached',
  'quota.throttled': 'Requests are refused',
  'quota.left': '{left} of {limit} left',
  'quota.used': '{used} used',
  'quota.usedOf': '{used} of {limit} used',
  'quota.resets': 'Starts anew on {date}',
  'quota.runsOut': 'At this rate it is used up on {date}.',
  'quota.reached': 'It starts anew on {date}. A larger plan has more now.',
  'quota.throttledText':
    'Requests were refused at the limit. They go through again on {date}, or at once with a larger plan.',
  'quota.refused': 'A request was refused',
  'quota.refusedText':
    'It asked for more than the {left} that are left; smaller ones go through. All is there again on {date}, or at once with a larger plan.',
  'quota.now': '{used} of {limit} in use',
  'quota.held': '{held} reserved',

  'usage.title': 'Usage',
  'usage.summary': {
    one: '1 meter is near its limit or beyond',
    other: '{count} meters are near their limits or beyond',
  },
  'usage.withinAll': 'All within their limits',
  'usage.empty': 'No meters yet. What your plan measures will be listed here.',
  'usage.upgrade': 'Get more',

  'timeline.title': 'Usage by day',
  'timeline.meter': 'Meter',
  'timeline.total': '{total} in these {days} days',
  'timeline.empty': 'Nothing was used in these days.',
  'timeline.chart': 'Usage of {meter} by day, {from} to {to}',
  'timeline.table': 'Show as a table',
  'timeline.day': 'Day',
  'timeline.quantity': 'Quantity',
  'timeline.days7': '7 days',
  'timeline.days30': '30 days',
  'timeline.span': 'Span',

  'records.title': 'Usage records',
  'records.filter': 'Show',
  'records.all': 'All',
  'records.billed': 'Billed',
  'records.unbilled': 'Not billed',
  'records.empty': 'Nothing has been used yet. Each use is listed here as soon as it is recorded.',
  'records.emptyFiltered': 'No usage of this kind.',
  'records.when': 'When',
  'records.what': 'What',
  'records.quantity': 'Quantity',
  'records.sparks': 'Sparks',
  'records.price': 'Charged',
  'records.state': 'State',
  'records.included': 'Included',
  'records.id': 'ID',

  'plans.title': 'Plans',
  'plans.interval': 'Paid',
  'plans.month': 'Monthly',
  'plans.year': 'Yearly',
  'plans.current': 'Your plan',
  'plans.choose': 'Choose {plan}',
  'plans.upgrade': 'Upgrade to {plan}',
  'plans.downgrade': 'Change to {plan}',
  'plans.contact': 'Talk to us',
  'plans.trial': { one: '1 day free', other: '{count} days free' },
  'plans.limit': '{meter}: {limit}',
  'plans.unlimited': '{meter}: unlimited',
  'plans.credits': '{credits} Sparks each period',
  'plans.overage': 'Further usage is billed afterwards',
  'plans.byo': 'Models by keys of your own',
  'plans.empty': 'There are no plans to choose from.',

  'methods.title': 'Payment methods',
  'methods.default': 'Default',
  'methods.ending': '{brand} ending in {last4}',
  'methods.expires': 'Expires {month}/{year}',
  'methods.expired': 'Expired {month}/{year}',
  'methods.makeDefault': 'Make default',
  'methods.makeDefaultOf': 'Make default: {method}',
  'methods.remove': 'Remove',
  'methods.removeOf': 'Remove {method}',
  'methods.removeTitle': 'Remove {method}?',
  'methods.removeText': 'It is not charged any more.',
  'methods.removeDefault': 'It is what your plan is paid with. Without another one the next payment fails.',
  'methods.removed': '{method} was removed.',
  'methods.madeDefault': '{method} is the default now.',
  'methods.empty': 'No payment method yet. Add one to subscribe or to buy credits.',
  'methods.add': 'Add payment method',
  'methods.added': 'The payment method was added.',

  'invoices.title': 'Invoices',
  'invoices.due': '{amount} due',
  'invoices.nothingDue': 'Nothing due',
  'invoices.filter': 'Show',
  'invoices.all': 'All',
  'invoices.empty': 'No invoices yet. The first one comes with your first payment.',
  'invoices.emptyFiltered': 'No invoices in this state.',
  'invoices.number': 'Number',
  'invoices.date': 'Date',
  'invoices.amount': 'Amount',
  'invoices.status': 'Status',
  'invoices.actions': 'Actions',
  'invoices.noNumber': 'Not numbered yet',
  'invoices.view': 'View {number}',
  'invoices.pay': 'Pay now',
  'invoices.payOf': 'Pay now: invoice {number}',
  'invoices.payTitle': 'Pay invoice {number}?',
  'invoices.payText': '{amount} is charged to your default payment method.',
  'invoices.payConfirm': 'Pay {amount}',
  'invoices.paid': 'Invoice {number} is paid.',
  'invoices.notPaid':
    'The payment has not gone through: invoice {number} is still open. Make another payment method the default, and try again.',
  'invoices.download': 'Download PDF',
  'invoices.downloadOf': 'Download PDF: invoice {number}',
  'invoices.receipt': 'Download receipt',
  'invoices.receiptOf': 'Download receipt: invoice {number}',
  'invoices.updateMethod': 'Update payment method',
  'invoices.back': 'All invoices',
  'invoices.generate': 'Invoice what is open',
  'invoices.generated': 'Invoice {number} was made.',
  'invoices.nothingToGenerate': 'There is nothing to invoice.',

  'costs.title': 'Costs',
  'costs.summary': '{cost} for {tokens} tokens',
  'costs.byModel': 'By model',
  'costs.byProvider': 'By provider',
  'costs.byDay': 'By day',
  'costs.view': 'View',
  'costs.empty': 'No costs in these days. What models cost before margin is shown here.',
  'costs.export': 'Export CSV',
  'costs.model': 'Model',
  'costs.provider': 'Provider',
  'costs.cost': 'Cost',
  'costs.share': 'Share',
  'costs.unnamed': 'Not named',
  'costs.chart': 'Costs by day, {from} to {to}',

  'credits.title': 'Credits',
  'credits.available': '{credits} Sparks left',
  'credits.worth': 'Worth {amount}',
  'credits.debt': '{debt} Sparks owed',
  'credits.debtText': 'Usage went beyond the balance. The next credits pay it first.',
  'credits.held': '{held} Sparks reserved by what is running',
  'credits.used': '{used} Sparks used this month',
  'credits.plan': '{credits} Sparks come with the plan each period',
  'credits.buy': 'Buy credits',
  'credits.grants': 'What it is made of',
  'credits.grant': 'Credit',
  'credits.remaining': 'Left',
  'credits.expires': 'Expires',
  'credits.never': 'Never',
  'credits.promotional': 'Given',
  'credits.paid': 'Bought',
  'credits.soon': '{credits} Sparks expire on {date}',
  'credits.empty': 'No credits yet. Buy some, or choose a plan that includes them.',

  'buy.title': 'Buy credits',
  'buy.amount': 'Amount',
  'buy.custom': 'Another amount',
  'buy.customHint': 'From {least} to {most}',
  'buy.invalid': 'Enter an amount from {least} to {most}, with at most two decimals.',
  'buy.gives': 'Gives {credits} Sparks',
  'buy.submit': 'Continue to pay {amount}',
  'buy.submitNone': 'Continue to payment',
  'buy.text': 'You pay on a page of the payment provider. The credits are there as soon as the payment is confirmed.',

  'lifetime.title': '{plan}',
  'lifetime.text': 'Pay once and keep it: no renewals.',
  'lifetime.buy': 'Buy for {amount}',
  'lifetime.owned': 'Yours since {date}',
  'lifetime.confirmTitle': 'Buy {plan} for {amount}?',
  'lifetime.confirmText':
    'You pay once, on a page of the payment provider. A subscription that is going on is not canceled by it.',

  'ledger.title': 'Credit history',
  'ledger.empty': 'No changes of the balance yet.',
  'ledger.when': 'When',
  'ledger.what': 'What',
  'ledger.change': 'Change',
  'ledger.balance': 'Balance',
  'ledger.usage': 'Usage',
  'ledger.accrue': 'Usage over time',
  'ledger.amend': 'Correction',
  'ledger.capture': 'Usage of a reservation',
  'ledger.extend': 'Reservation extended',
  'ledger.grant': 'Credit',
  'ledger.renew': 'Credit of the plan',
  'ledger.adjust': 'Adjustment',
  'ledger.refund': 'Refund',
  'ledger.expire': 'Expired',
  'ledger.change_plan': 'Plan changed',
  'ledger.change_terms': 'Terms changed',
  'ledger.set_budget': 'Budget set',
  'ledger.suspend': 'Suspended',
  'ledger.resume': 'Resumed',

  'keys.title': 'API keys',
  'keys.empty': 'No API keys. Make one for each program that calls on this account’s credit.',
  'keys.create': 'Create key',
  'keys.name': 'Name',
  'keys.nameHint': 'What it is for, such as “production”.',
  'keys.budget': 'Budget a month, in Sparks',
  'keys.budgetColumn': 'Budget',
  'keys.budgetHint': 'Leave empty for none.',
  'keys.budgetInvalid': 'Enter a number of Sparks, with at most six decimals.',
  'keys.nameMissing': 'Give it a name.',
  'keys.scopes': 'May',
  'keys.scope.billing:read': 'Look at billing',
  'keys.scope.usage:write': 'Record usage',
  'keys.secretTitle': 'Your new key',
  'keys.secretText': 'Copy it now: it is shown this once and cannot be shown again.',
  'keys.secretLost': 'This key was made before, and its secret was shown then. Rotate it to get another.',
  'keys.secret': 'Key',
  'keys.done': 'I have copied it',
  'keys.status': 'Status',
  'keys.used': 'Last used',
  'keys.neverUsed': 'Never',
  'keys.actions': 'Actions',
  'keys.rotate': 'Rotate',
  'keys.rotateOf': 'Rotate {name}',
  'keys.rotateTitle': 'Rotate {name}?',
  'keys.rotateText': 'You get a new key. The one before goes on for a day, so that you can replace it.',
  'keys.revoke': 'Revoke',
  'keys.revokeOf': 'Revoke {name}',
  'keys.revokeTitle': 'Revoke {name}?',
  'keys.revokeText': 'Programs with this key are refused at once. This cannot be taken back.',
  'keys.revoked': '{name} was revoked.',
  'keys.budgetLeft': '{remaining} of {limit} Sparks left',
  'keys.noBudget': 'No budget',

  'checkout.waiting': 'Waiting for the payment provider',
  'checkout.waitingText': 'This takes a moment. You can leave this page: nothing is lost.',
  'checkout.processing': 'The payment is on its way',
  'checkout.processingText': 'Your bank takes its time. What you bought is there as soon as it says yes.',
  'checkout.paid': 'Thank you',
  'checkout.paidText': '{amount} was paid.',
  'checkout.gave': '{credits} Sparks were added. Your balance is {balance} Sparks.',
  'checkout.plan': 'You are on {plan} now.',
  'checkout.setup': 'The payment method was added.',
  'checkout.failed': 'The payment failed',
  'checkout.failedText': 'Nothing was charged. Try again, or with another payment method.',
  'checkout.expired': 'The page to pay on has expired',
  'checkout.expiredText': 'Nothing was charged. Begin again whenever you like.',
  'checkout.missing': 'There is no payment to show',
  'checkout.missingText': 'If you have paid, it is listed in your invoices and credits.',
  'checkout.canceled': 'Nothing was charged',
  'checkout.left': 'You left the payment page',
  'checkout.canceledText': 'You left the payment page before paying.',
  'checkout.back': 'Back to billing',
} as const satisfies Readonly<Record<string, string | Plural>>

/** Those of parts that are loaded on demand come with them. */
type English = typeof english & typeof onDemandEnglish

export type MessageKey = keyof English

/** Texts of one's own; those that are not given are English. */
export type Messages = { readonly [Key in MessageKey]?: English[Key] extends string ? string : Plural }

/** What is filled in. */
export type MessageValues = Readonly<Record<string, string | number>>

/** Finds a text and fills it in. `count`, where it is a number, chooses the plural. */
export type Translate = (key: MessageKey, values?: MessageValues) => string

const later: Partial<Record<MessageKey, string | Plural>> = {}

/** Adds what a part that is loaded on demand says. */
export function addEnglish(texts: typeof later): void {
  Object.assign(later, texts)
}

export function createTranslate(
  messages: Messages | undefined,
  { plural, direction }: Pick<Format, 'plural' | 'direction'>,
): Translate {
  // What is of another direction would else take the words beside it along: a name in a sentence, or a sentence that is not translated.
  const isRightToLeft = direction === 'rtl'
  return (key, values = {}) => {
    const own: string | Plural | undefined = messages?.[key]
    const found: string | Plural = own ?? english[key as keyof typeof english] ?? later[key] ?? key
    const isForeign = isRightToLeft && own === undefined
    const count = Number(values.count ?? 0)
    const text = typeof found === 'string' ? found : (found[plural(count)] ?? found.other)
    const filled = text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name]
      if (value === undefined) return whole
      return isRightToLeft ? `\u2068${value}\u2069` : String(value)
    })
    return isForeign ? `\u2066${filled}\u2069` : filled
  }
}

/** Whether there is such a text: words of the wire, such as states, have one each unless they are new. */
export function isMessage(key: string): key is MessageKey {
  return Object.hasOwn(english, key) || Object.hasOwn(later, key)
}
