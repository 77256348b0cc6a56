// Prepares a Stripe account, once: creates the meters and the webhook endpoint, and prints the endpoint's secret.
// Run: STRIPE_SECRET_KEY=sk_test_… npx tsx examples/express/set-up.ts https://your-app.example/api/billing/webhooks/stripe
import { fail } from './failure.js'
import { createStripe } from './stripe-client.js'
import { setUpStripe } from './stripe-set-up.js'

const { STRIPE_SECRET_KEY, STRIPE_API_BASE } = process.env
const [url] = process.argv.slice(2)
if (!STRIPE_SECRET_KEY || !url || !URL.canParse(url)) {
  console.error('Usage: STRIPE_SECRET_KEY=sk_test_… npx tsx examples/express/set-up.ts <address of the webhook>')
  process.exit(1)
}
try {
  const { webhookSecret } = await setUpStripe(createStripe(STRIPE_SECRET_KEY, STRIPE_API_BASE), url)
  console.log(`STRIPE_WEBHOOK_SECRET=${webhookSecret}`)
} catch (error) {
  fail(error)
}
