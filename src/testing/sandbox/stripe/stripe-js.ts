import { messagePage, toConsole } from '../page.js'
import type { StripeTwin } from './twin.js'

/**
 * `GET /stripe-js/v3`, the twin of Stripe.js: `Stripe(key).elements(…)`, one payment element in a frame of its own, `submit`, and
 * `createPaymentMethod`. As with Stripe, numbers are typed in the frame and go from there to the twin; the page around it learns an id.
 *
 * @see https://docs.stripe.com/js/payment_methods/create_payment_method_elements (2026-11)
 */
export async function handleStripeJs(stripe: StripeTwin, secretKey: string, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/stripe-js/v3') return javascript(script)
  if (pathname === '/stripe-js/element') return elementPage()
  if (pathname === '/stripe-js/element.js') return javascript(elementScript)
  if (pathname === '/stripe-js/payment_methods' && request.method === 'POST') {
    // With a publishable key Stripe takes nothing but this of the routes of the API.
    const headers = {
      authorization: `Bearer ${secretKey}`,
      'content-type': 'application/x-www-form-urlencoded',
    }
    const body = await request.text()
    const url = new URL('/v1/payment_methods', request.url)
    return stripe.handle(new Request(url, { method: 'POST', headers, body }), url.pathname)
  }
  return messagePage('Nothing here', 'There is no such page.', 404, toConsole)
}

function javascript(text: string): Response {
  return new Response(text, {
    headers: { 'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** In the page that sells. The frame is told and asked by messages, each with a number that its answer has too. */
const script = `(() => {
  const origin = new URL(document.currentScript.src).origin
  function Stripe(key) {
    if (typeof key !== 'string' || !key.startsWith('pk_')) throw new Error('Please call Stripe() with your publishable key.')
    return {
      elements(options = {}) {
        if (options.mode !== 'setup' && options.mode !== 'payment' && !options.clientSecret)
          throw new Error('In order to create a payment element, you must pass a clientSecret or mode when creating the Elements group.')
        let element
        const ask = (kind) => element ? element.ask(kind) : Promise.resolve({ error: { message: 'There is no element.' } })
        const group = {
          create(type) {
            if (type !== 'payment') throw new Error('The sandbox has the payment element only.')
            element = paymentElement(options)
            return element
          },
          submit: () => ask('submit'),
          ask,
        }
        return group
      },
      async createPaymentMethod({ elements }) {
        return elements.ask('create')
      },
    }
  }
  function paymentElement({ appearance }) {
    const frame = document.createElement('iframe')
    const { variables = {} } = appearance ?? {}
    frame.src = origin + '/stripe-js/element?' + new URLSearchParams(variables)
    frame.title = 'Secure payment input frame'
    frame.style.cssText = 'display:block;width:100%;height:180px;border:0;color-scheme:light'
    const listeners = { ready: [], loaderror: [], change: [] }
    const waiting = new Map()
    let next = 0
    const onMessage = ({ source, origin: from, data }) => {
      if (from !== origin || source !== frame.contentWindow) return
      if (data.kind === 'ready') {
        frame.style.height = data.height + 'px'
        for (const listener of listeners.ready) listener({ elementType: 'payment' })
      } else if (data.kind === 'height') frame.style.height = data.height + 'px'
      else waiting.get(data.id)?.(data.answer)
    }
    window.addEventListener('message', onMessage)
    return {
      mount(place) {
        const target = typeof place === 'string' ? document.querySelector(place) : place
        target.replaceChildren(frame)
      },
      on(event, listener) { listeners[event]?.push(listener); return this },
      destroy() { window.removeEventListener('message', onMessage); frame.remove() },
      unmount() { frame.remove() },
      ask(kind) {
        const id = (next += 1)
        return new Promise((resolve) => {
          waiting.set(id, resolve)
          frame.contentWindow.postMessage({ id, kind }, origin)
        })
      },
    }
  }
  Object.assign(window, { Stripe })
})()
`

/** In the frame: checks as Stripe's does, in its words, and asks the twin for a payment method. */
const elementScript = `(() => {
  const form = document.forms[0]
  const say = (message) => parent.postMessage(message, '*')
  const height = () => document.documentElement.offsetHeight
  for (const [name, value] of new URLSearchParams(location.search)) document.documentElement.style.setProperty('--' + name, value)
  const wrong = () => {
    const { number, expiry, cvc } = form
    const digits = number.value.replace(/\\D/g, '')
    let sum = 0
    for (let at = 0; at < digits.length; at += 1) {
      const digit = Number(digits[digits.length - 1 - at])
      sum += at % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0)
    }
    const [month, year] = expiry.value.split('/').map((part) => Number(part.trim()))
    const problems = [
      [number, digits.length < 14 ? 'Your card number is incomplete.' : sum % 10 === 0 ? '' : 'Your card number is invalid.'],
      [expiry, !(month >= 1 && month <= 12 && year >= 0) ? 'Your card’s expiration date is incomplete.' : Date.UTC(2000 + year, month) < Date.now() ? 'Your card’s expiration year is in the past.' : ''],
      [cvc, /^\\d{3,4}$/.test(cvc.value) ? '' : 'Your card’s security code is incomplete.'],
    ]
    for (const [input, text] of problems) {
      input.setAttribute('aria-invalid', String(text !== ''))
      document.getElementById(input.id + '-error').textContent = text
    }
    say({ kind: 'height', height: height() })
    return problems.map(([, text]) => text).find((text) => text !== '')
  }
  const create = async () => {
    const [month, year] = form.expiry.value.split('/').map((part) => part.trim())
    const body = new URLSearchParams({ type: 'card', 'card[number]': form.number.value.replace(/\\D/g, ''), 'card[exp_month]': String(Number(month)), 'card[exp_year]': '20' + year, 'card[cvc]': form.cvc.value })
    const response = await fetch('/stripe-js/payment_methods', { method: 'POST', body })
    const answer = await response.json()
    return response.ok ? { paymentMethod: answer } : { error: answer.error }
  }
  addEventListener('message', async ({ source, data: { id, kind } }) => {
    if (source !== parent) return
    const message = wrong()
    const answer = message ? { error: { type: 'validation_error', message } } : kind === 'create' ? await create() : {}
    say({ id, answer })
  })
  form.addEventListener('submit', (event) => event.preventDefault())
  say({ kind: 'ready', height: height() })
})()
`

function elementPage(): Response {
  const field = (name: string, label: string, placeholder: string, autocomplete: string) =>
    `<div><label for="${name}">${label}</label><input id="${name}" name="${name}" inputmode="numeric" autocomplete="${autocomplete}" placeholder="${placeholder}" aria-describedby="${name}-error"><p id="${name}-error" role="alert"></p></div>`
  const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Secure payment input frame</title><link rel="icon" href="data:,">
<style>
* { box-sizing: border-box; }
body { margin: 0; padding: 2px; font: 14px/1.4 var(--fontFamily, sans-serif); color: var(--colorText, #1a1d23); }
form { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; }
form > :first-child { grid-column: 1 / -1; }
label { display: block; margin-bottom: 4px; font-size: 13px; }
input { width: 100%; height: 40px; padding: 0 12px; font: inherit; color: inherit; background: var(--colorBackground, #fff); border: 1px solid color-mix(in srgb, var(--colorText, #1a1d23) 55%, transparent); border-radius: var(--borderRadius, 6px); }
input:focus { outline: 2px solid var(--colorPrimary, #4238c9); outline-offset: 1px; }
input[aria-invalid=true] { border-color: var(--colorDanger, #b3261e); }
p { margin: 4px 0 0; color: var(--colorDanger, #b3261e); font-size: 12px; }
p:empty { display: none; }
input::placeholder { color: color-mix(in srgb, var(--colorText, #1a1d23) 65%, transparent); opacity: 1; }
</style></head>
<body><main><form novalidate>${field('number', 'Card number', '1234 1234 1234 1234', 'cc-number')}${field('expiry', 'Expiration date', 'MM / YY', 'cc-exp')}${field('cvc', 'Security code', 'CVC', 'cc-csc')}</form></main>
<script src="/stripe-js/element.js"></script></body></html>`
  return new Response(page, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:",
    },
  })
}
