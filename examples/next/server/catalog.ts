import { defineCatalog } from 'billfold'

const terms = (tokens: string, pictures: string) =>
  ({ ai_tokens: { included: tokens }, pictures: { included: pictures, limit: pictures } }) as const

/** What Parrot sells: tokens, which credits pay beyond what a plan includes, and pictures, of which a plan allows so many a month. */
export const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'larger', sparks: '100', per: '1000' } },
    pictures: { unit: 'picture', rate: { mode: 'per_unit', sparks: '1000', per: '1' } },
  },
  // Dollars per million tokens.
  models: {
    'parrot-mini': { input: '0.2', output: '0.8' },
    'parrot-large': { input: '3', output: '15' },
  },
  plans: {
    free: { title: 'Free', meters: terms('100000', '3') },
    // Includes nothing: what credits do not pay is on the next invoice.
    pay_as_you_go: { title: 'Pay as you go', price: { amount: '5' }, overage: true },
    starter: { title: 'Starter', price: { amount: '19' }, meters: terms('1000000', '30') },
    pro: { title: 'Pro', price: { amount: '79' }, meters: terms('5000000', '300') },
    starter_yearly: {
      title: 'Starter',
      price: { amount: '190', interval: 'year' },
      meters: terms('1000000', '30'),
    },
    pro_yearly: { title: 'Pro', price: { amount: '790', interval: 'year' }, meters: terms('5000000', '300') },
    lifetime: { title: 'Lifetime', price: { amount: '499', interval: 'once' }, meters: terms('2000000', '60') },
  },
  packages: {
    starter: { title: 'Starter pack', price: '20', sparks: '500000' },
  },
})

/** What every new account gets, in Sparks. */
export const welcomeCredit = '2000'
