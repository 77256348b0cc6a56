/** Why an issuer or a bank refuses, in Stripe's words. */
export interface Decline {
  readonly code: string
  readonly declineCode?: string
  /** The part of the card that is wrong. */
  readonly param?: string
  readonly advice?: DeclineAdvice
  readonly message: string
}

/** What Stripe advises to do next. */
export type DeclineAdvice = 'confirm_card_data' | 'do_not_try_again' | 'try_again_later'

/** When a card asks its holder to prove who they are (3-D Secure). */
type Authentication = 'always' | 'unless_set_up' | 'on_session'

/** A card or account number that does a known thing, as on https://docs.stripe.com/testing. */
export interface TestCard {
  readonly type: 'card' | 'us_bank_account' | 'sepa_debit'
  readonly number: string
  /** What follows `tok_` and `pm_card_` (or, for a bank, `pm_usBankAccount_`) in the ids that stand for it. */
  readonly names: readonly string[]
  readonly label: string
  readonly does: string
  readonly brand: string
  readonly country: string
  readonly funding: 'credit' | 'debit' | 'prepaid'
  readonly decline?: Decline
  /** An issuer's decline shows when the card is saved already. */
  readonly refusesToBeSaved?: true
  readonly authentication?: Authentication
  readonly dispute?: 'fraudulent' | 'product_not_received' | 'inquiry'
  readonly fraudWarning?: true
  readonly refund?: 'pending_first' | 'fails_later'
  /** Banks answer later: this is how. */
  readonly settles?: 'succeeds' | 'fails'
}

const brandLabels: Readonly<Record<string, string>> = {
  visa: 'Visa',
  mastercard: 'Mastercard',
  amex: 'American Express',
  bank: 'Bank account',
  iban: 'IBAN',
}

export const declinedByIssuer: Decline = {
  code: 'card_declined',
  declineCode: 'generic_decline',
  advice: 'try_again_later',
  message: 'Your card was declined.',
}
const insufficientFunds: Decline = {
  code: 'card_declined',
  declineCode: 'insufficient_funds',
  advice: 'try_again_later',
  message: 'Your card has insufficient funds.',
}
/** Off session nobody is there to authenticate. */
export const authenticationRequired: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
}
/** The holder tried to authenticate and failed, or gave up. */
export const authenticationFailed: Decline = {
  code: 'payment_intent_authentication_failure',
  message: 'We are unable to authenticate your payment method. Please choose a different payment method and try again.',
}

export const testCards: readonly TestCard[] = [
  card('4242424242424242', ['visa'], 'Succeeds at once'),
  card('5555555555554444', ['mastercard'], 'Succeeds at once', { brand: 'mastercard' }),
  card('378282246310005', ['amex'], 'Succeeds at once', { brand: 'amex' }),
  card('4000056655665556', ['visa_debit'], 'Succeeds at once', { funding: 'debit' }),
  issuerDecline('4000000000000002', ['visa_chargeDeclined', 'chargeDeclined'], 'Is declined', declinedByIssuer),
  issuerDecline(
    '4000000000009995',
    ['visa_chargeDeclinedInsufficientFunds', 'chargeDeclinedInsufficientFunds'],
    'Is declined: insufficient funds',
    insufficientFunds,
  ),
  issuerDecline('4000000000009987', ['visa_chargeDeclinedLostCard'], 'Is declined: lost card', {
    ...declinedByIssuer,
    declineCode: 'lost_card',
    advice: 'do_not_try_again',
  }),
  issuerDecline('4000000000009979', ['visa_chargeDeclinedStolenCard'], 'Is declined: stolen card', {
    ...declinedByIssuer,
    declineCode: 'stolen_card',
    advice: 'do_not_try_again',
  }),
  issuerDecline('4000000000000069', ['chargeDeclinedExpiredCard'], 'Is declined: expired', {
    code: 'expired_card',
    declineCode: 'expired_card',
    param: 'exp_month',
    advice: 'confirm_card_data',
    message: 'Your card has expired.',
  }),
  issuerDecline('4000000000000127', ['chargeDeclinedIncorrectCvc'], 'Is declined: wrong security code', {
    code: 'incorrect_cvc',
    declineCode: 'incorrect_cvc',
    param: 'cvc',
    advice: 'confirm_card_data',
    message: "Your card's security code is incorrect.",
  }),
  issuerDecline('4000000000000119', ['chargeDeclinedProcessingError'], 'Is declined: processing error', {
    code: 'processing_error',
    declineCode: 'processing_error',
    advice: 'try_again_later',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  }),
  issuerDecline('4000000000006975', ['visa_chargeDeclinedVelocityLimitExceeded'], 'Is declined: too often', {
    ...declinedByIssuer,
    declineCode: 'card_velocity_exceeded',
    message: 'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  }),
  card('4100000000000019', ['radarBlock', 'chargeDeclinedFraudulent'], 'Is blocked as fraudulent', {
    decline: { code: 'card_declined', declineCode: 'fraudulent', message: 'Your card was declined.' },
  }),
  card('4000000000000341', ['chargeCustomerFail', 'visa_chargeCustomerFail'], 'Can be saved, then is declined', {
    decline: declinedByIssuer,
  }),
  card('4000002500003155', ['authenticationRequiredOnSetup'], 'Asks for 3-D Secure, unless saved for later', {
    authentication: 'unless_set_up',
  }),
  card('4000002760003184', ['authenticationRequired'], 'Always asks for 3-D Secure', { authentication: 'always' }),
  card(
    '4000003800000446',
    ['authenticationRequiredSetupForOffSession'],
    'Asks for 3-D Secure only while you are there',
    { authentication: 'on_session' },
  ),
  card(
    '4000008260003178',
    ['authenticationRequiredChargeDeclinedInsufficientFunds'],
    'Asks for 3-D Secure, then has insufficient funds',
    { authentication: 'on_session', decline: insufficientFunds },
  ),
  card('4000000000003220', ['threeDSecure2Required'], 'Asks for 3-D Secure', { authentication: 'always' }),
  card('4000008400001629', ['threeDSecureRequiredChargeDeclined'], 'Asks for 3-D Secure, then is declined', {
    authentication: 'always',
    decline: declinedByIssuer,
  }),
  card('4000000000000259', ['createDispute'], 'Succeeds, then is disputed as fraudulent', { dispute: 'fraudulent' }),
  card('4000000000002685', ['createDisputeProductNotReceived'], 'Succeeds, then is disputed as not received', {
    dispute: 'product_not_received',
  }),
  card('4000000000001976', ['createDisputeInquiry'], 'Succeeds, then is inquired about', { dispute: 'inquiry' }),
  card('4000000000005423', ['createIssuerFraudRecord'], 'Succeeds, then brings an early fraud warning', {
    fraudWarning: true,
  }),
  card('4000000000007726', ['pendingRefund'], 'Succeeds; refunds are pending first', { refund: 'pending_first' }),
  card('4000000000005126', ['refundFail'], 'Succeeds; refunds fail later', { refund: 'fails_later' }),
  bank('000123456789', ['success'], 'Completes unpaid, the money arrives after a minute', 'succeeds'),
  bank('000111111116', ['noAccount'], 'Completes unpaid, the debit fails after a minute', 'fails', {
    code: 'payment_intent_payment_attempt_failed',
    message: 'The bank account could not be located.',
  }),
  bank('000111111113', ['accountClosed'], 'Completes unpaid, the debit fails after a minute', 'fails', {
    code: 'payment_intent_payment_attempt_failed',
    message: 'The bank account has been closed.',
  }),
  bank('000222222227', ['insufficientFunds'], 'Completes unpaid, the debit fails after a minute', 'fails', {
    code: 'payment_intent_payment_attempt_failed',
    message: 'The bank account has insufficient funds to complete the purchase.',
  }),
  sepa('AT611904300234573201', 'Completes unpaid, the money arrives after a minute', 'succeeds'),
  sepa('DE89370400440532013000', 'Completes unpaid, the money arrives after a minute', 'succeeds'),
  sepa('AT861904300235473202', 'Completes unpaid, the debit fails after a minute', 'fails'),
  sepa('DE62370400440532013001', 'Completes unpaid, the debit fails after a minute', 'fails'),
]

const byNumber = new Map(testCards.map((each) => [each.number, each]))
const byName = new Map(
  testCards.flatMap((each) => each.names.map((name) => [`${each.type === 'card' ? '' : 'bank_'}${name}`, each])),
)

export function testCardNumbered(number: string): TestCard | undefined {
  return byNumber.get(number.replace(/[\s-]/g, '').toUpperCase())
}

/** The card behind `tok_visa`, `pm_card_visa` or `pm_usBankAccount_success`. */
export function testCardNamed(id: string): TestCard | undefined {
  const [, prefix, name = ''] = /^(tok_|pm_card_|pm_usBankAccount_)(\w+)$/.exec(id) ?? []
  return prefix === undefined ? undefined : byName.get(`${prefix === 'pm_usBankAccount_' ? 'bank_' : ''}${name}`)
}

export function asksForAuthentication(
  card: TestCard,
  { offSession, setUp }: { readonly offSession: boolean; readonly setUp: boolean },
): boolean {
  if (card.authentication === 'unless_set_up') return !(offSession && setUp)
  return card.authentication === 'always' || (card.authentication === 'on_session' && !offSession)
}

function card(number: string, names: readonly string[], does: string, more: Partial<TestCard> = {}): TestCard {
  const brand = more.brand ?? 'visa'
  const label = `${brandLabels[brand] ?? brand} ···· ${number.slice(-4)}`
  return { type: 'card', number, names, label, does, brand, country: 'US', funding: 'credit', ...more }
}

function issuerDecline(number: string, names: readonly string[], does: string, decline: Decline): TestCard {
  return card(number, names, does, { decline, refusesToBeSaved: true })
}

function bank(
  number: string,
  names: readonly string[],
  does: string,
  settles: 'succeeds' | 'fails',
  decline?: Decline,
): TestCard {
  const base = card(number, names, does, { brand: 'bank', settles, ...(decline === undefined ? {} : { decline }) })
  return { ...base, type: 'us_bank_account' }
}

function sepa(number: string, does: string, settles: 'succeeds' | 'fails'): TestCard {
  const message = 'The customer’s bank account has insufficient funds to complete the purchase.'
  const decline = settles === 'fails' ? { decline: { code: 'payment_intent_payment_attempt_failed', message } } : {}
  const base = card(number, [], does, { brand: 'iban', country: number.slice(0, 2), settles, ...decline })
  return { ...base, type: 'sepa_debit' }
}
