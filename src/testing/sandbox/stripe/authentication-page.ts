import { html } from 'hono/html'
import { formatMoney, messagePage, pageResponse, toConsole } from '../page.js'
import { successUrl } from './checkout-page.js'
import { checkoutSessions } from './checkout-session.js'
import { invoiceOfIntent } from './invoice-payments.js'
import { authenticateSession } from './payment.js'
import { completeAuthentication } from './payment-attempt.js'
import { type NextAction, paymentIntents } from './payment-intents.js'
import { completeSetup, setupIntents } from './setup-intents.js'
import type { StripeTwin } from './twin.js'
import type { StripeWorld } from './world.js'

/** `GET /authenticate/:id`, `POST /authenticate/:id/complete|fail`: the bank's step of 3-D Secure. */
export async function handleAuthenticationPage(
  { world, webhooks, tick }: StripeTwin,
  request: Request,
  path: string,
): Promise<Response> {
  const [, , id = '', action] = path.split('/')
  tick()
  const subject = subjectOf(world, id)
  if (subject === undefined) return messagePage('Nothing here', 'There is nothing to authenticate.', 404, toConsole)
  if (request.method === 'GET' && action === undefined) return show(world, id, subject)
  // The address of a form, from the address bar: the page the form is on.
  if (request.method === 'GET' && (action === 'complete' || action === 'fail')) {
    return new Response(null, { status: 303, headers: { location: `/authenticate/${id}` } })
  }
  if (request.method !== 'POST' || (action !== 'complete' && action !== 'fail')) {
    return messagePage('Nothing here', 'There is no such page.', 404, { href: `/authenticate/${id}`, label: 'Go back' })
  }
  const location = world.journal.commit(() => subject.answer(action === 'complete'))
  setImmediate(() => webhooks.wake())
  if (location !== undefined) return new Response(null, { status: 303, headers: { location } })
  return messagePage(
    action === 'complete' ? 'Authenticated' : 'Authentication failed',
    'You can close this page and return to the app.',
    200,
  )
}

interface Subject {
  readonly waits: boolean
  readonly sentence: string
  /** Acts, and says where to go next. */
  answer(passes: boolean): string | undefined
}

function subjectOf(world: StripeWorld, id: string): Subject | undefined {
  const session = checkoutSessions(world).get(id)
  if (session !== undefined) {
    const amount = session.mode === 'setup' ? null : (session.amount_total ?? 0)
    return {
      waits: session.status === 'open',
      sentence: sentence(world, amount, session.currency ?? 'usd'),
      answer(passes) {
        const result = authenticateSession(world, session, passes)
        if (result.kind === 'complete') return successUrl(result.session)
        return result.kind === 'declined'
          ? `/checkout/${id}?problem=${encodeURIComponent(result.message)}`
          : `/checkout/${id}`
      },
    }
  }
  const intent = paymentIntents(world).get(id)
  if (intent !== undefined) {
    return {
      waits: intent.status === 'requires_action',
      sentence: sentence(world, intent.amount, intent.currency),
      answer(passes) {
        completeAuthentication(world, intent, passes)
        const invoice = invoiceOfIntent(world, id)?.invoice.id
        return (
          withIntent(intent.next_action, 'payment_intent', id) ??
          (invoice === undefined ? undefined : `/invoice/${invoice}`)
        )
      },
    }
  }
  const setup = setupIntents(world).get(id)
  if (setup === undefined) return undefined
  return {
    waits: setup.status === 'requires_action',
    sentence: sentence(world, null, 'usd'),
    answer(passes) {
      completeSetup(world, setup, passes)
      return withIntent(setup.next_action, 'setup_intent', id)
    },
  }
}

function show(world: StripeWorld, id: string, { waits, sentence: about }: Subject): Promise<Response> {
  if (!waits) {
    return messagePage('Nothing to do', 'This payment does not wait for you any more.', 410, toConsole)
  }
  return pageResponse(
    `3-D Secure · ${world.merchantName}`,
    html`<section class="card narrow"><p class="muted">3-D Secure, as your bank would show it</p>
<h1>Is this you?</h1><p>${about}</p>
<div class="actions"><form method="post" action="/authenticate/${id}/complete"><button class="primary" type="submit">Complete authentication</button></form>
<form method="post" action="/authenticate/${id}/fail"><button class="plain" type="submit">Fail authentication</button></form></div></section>`,
  )
}

function sentence(world: StripeWorld, amount: number | null, currency: string): string {
  return amount === null
    ? `${world.merchantName} wants to save your card for later. Nothing is charged now.`
    : `${world.merchantName} asks for ${formatMoney(amount, currency)}.`
}

/** Where the app asked to be called back, with the intent named as Stripe does. */
function withIntent(
  action: NextAction | null,
  kind: 'payment_intent' | 'setup_intent',
  id: string,
): string | undefined {
  if (action?.type !== 'redirect_to_url') return undefined
  const url = new URL(action.redirect_to_url.return_url)
  url.searchParams.set(kind, id)
  return url.href
}
