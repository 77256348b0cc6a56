import { createBilling, defineCatalog } from 'billfold'
import { sqliteStore } from 'billfold/adapters/sqlite'
import { langfuseProvider } from 'billfold/providers/langfuse'
import { stripeProvider } from 'billfold/providers/stripe'
import type { Settings } from './settings.js'
import { createStripe } from './stripe-client.js'

const terms = (tokens: string) => ({ ai_tokens: { included: tokens } }) as const

/** What Parrot sells: tokens, charged at 100 Sparks a thousand or at the model's cost with a margin, whichever is more. */
export const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'larger', sparks: '100', per: '1000' } },
  },
  // Dollars per million tokens.
  models: {
    'parrot-mini': { input: '0.2', output: '0.8' },
    'parrot-large': { input: '3', output: '15' },
  },
  plans: {
    free: { title: 'Free', meters: terms('350000') },
    // Includes nothing: what credits do not pay is on the next invoice.
    pay_as_you_go: { title: 'Pay as you go', price: { amount: '5' }, overage: true },
    starter: { title: 'Starter', price: { amount: '19' }, meters: terms('3500000') },
    pro: { title: 'Pro', price: { amount: '79' }, meters: terms('20000000') },
    starter_yearly: { title: 'Starter', price: { amount: '190', interval: 'year' }, meters: terms('3500000') },
    pro_yearly: { title: 'Pro', price: { amount: '790', interval: 'year' }, meters: terms('20000000') },
    lifetime: { title: 'Lifetime', price: { amount: '499', interval: 'once' }, meters: terms('5000000') },
  },
  packages: {
    small: { title: 'Small pack', price: '5', sparks: '125000' },
    starter: { title: 'Starter pack', price: '20', sparks: '500000' },
  },
})

/** What every new account gets, in Sparks. */
export const welcomeCredit = '2000'

/** Our service: the catalog's names and the providers' verbs are in its type. */
export type ParrotBilling = ReturnType<typeof createParrotBilling>

/** Wires the ledger to SQLite, Stripe and Langfuse. `origin` is where customers come back to after paying. */
export function createParrotBilling(settings: Settings, origin: string) {
  const { secretKey, webhookSecret, apiBase } = settings.stripe
  return createBilling({
    catalog,
    store: sqliteStore({ path: settings.databasePath }),
    providers: {
      default: stripeProvider({ client: createStripe(secretKey, apiBase), webhookSecret }),
      tracing: langfuseProvider(settings.langfuse),
    },
    redirects: { allowedOrigins: [origin] },
    environment: {
      onError: (error, where) => console.error(`${where}: ${error instanceof Error ? error.message : error}`),
    },
  })
}

/** Whether a name that came from outside is one of our models. */
export function isModel(name: unknown): name is keyof typeof catalog.config.models {
  return typeof name === 'string' && catalog.models.has(name)
}
