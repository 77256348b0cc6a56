import { html, raw } from 'hono/html'
import { minorDigits, stepOf } from './stripe/currencies.js'

export type Markup = ReturnType<typeof html>

/** A hosted page in the sandbox's look: plain HTML and forms, no script, light and dark. */
export async function pageResponse(title: string, body: Markup, status = 200): Promise<Response> {
  const document = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${raw(styleSheet)}</style>
</head>
<body>
<p class="banner" role="note"><strong>Sandbox</strong>: no money moves</p>
<main>${body}</main>
</body>
</html>`
  return new Response(document.toString(), {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
      'referrer-policy': 'no-referrer',
    },
  })
}

/** A page that says one thing. */
export function messagePage(
  title: string,
  text: string,
  status: number,
  back?: { readonly href: string; readonly label: string },
): Promise<Response> {
  const link = back === undefined ? '' : html`<p><a class="button" href="${back.href}">${back.label}</a></p>`
  return pageResponse(
    title,
    html`<section class="card narrow"><h1>${title}</h1><p class="muted">${text}</p>${link}</section>`,
    status,
  )
}

/** The way back for whoever came to a page that is not there. */
export const toConsole = { href: '/', label: 'To the sandbox console' }

/** An amount as Stripe counts it, as people write it, without going through a fraction. */
export function formatMoney(amountMinor: number, currency: string): string {
  const digits = minorDigits(currency)
  const text = String(Math.abs(amountMinor)).padStart(digits + 1, '0')
  const value = `${amountMinor < 0 ? '-' : ''}${text.slice(0, text.length - digits)}.${text.slice(text.length - digits) || '0'}`
  const shown = stepOf(currency) === 100 && amountMinor % 100 === 0 ? 0 : digits
  return new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency: currency.toUpperCase(),
    minimumFractionDigits: shown,
    maximumFractionDigits: shown,
  }).format(value as `${number}`)
}

/** A moment, in UTC, to the second. */
export function formatTime(seconds: number): string {
  const format = { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  return new Intl.DateTimeFormat('en-US', { ...format, hourCycle: 'h23', timeZone: 'UTC' }).format(seconds * 1000)
}

export function formatDate(seconds: number): string {
  return new Intl.DateTimeFormat('en-US', { dateStyle: 'long', timeZone: 'UTC' }).format(seconds * 1000)
}

/** A span of days, or the one day it is. */
export function formatPeriod({ start, end }: { readonly start: number; readonly end: number }): string {
  const [first, last] = [formatDate(start), formatDate(end)]
  return first === last ? first : `${first} to ${last}`
}

const styleSheet = `
:root { color-scheme: light dark;
  --surface: light-dark(#f6f7f9, #101216); --card: light-dark(#ffffff, #181b21); --text: light-dark(#1a1d23, #eceef2);
  --muted: light-dark(#5b6270, #a2a9b6); --border: light-dark(#dfe2e8, #2c313a); --control: light-dark(#8a91a0, #6b7382);
  --accent: light-dark(#4238c9, #a9a4ff); --on-accent: light-dark(#ffffff, #14122e); --soft: light-dark(#f1f0fd, #22213a);
  --danger: light-dark(#b3261e, #ff9d95); --danger-soft: light-dark(#fdeceb, #3a1f1f);
  --warning: light-dark(#7a4a00, #f5c26b); --warning-soft: light-dark(#fff4dc, #33280f);
  --positive: light-dark(#12693a, #74d69b); --positive-soft: light-dark(#e5f6ec, #16301f); }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; background: var(--surface); color: var(--text);
  font: 14px/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
.banner { text-wrap: balance; margin: 0; padding: 8px 16px; text-align: center; font-size: 13px; background: var(--warning-soft);
  color: var(--warning); border-bottom: 1px solid var(--border); max-width: none; }
main { max-width: 920px; margin: 0 auto; padding: 40px 16px 64px; }
h1 { font-size: 20px; line-height: 1.3; margin: 0 0 4px; font-weight: 600; }
h2 { font-size: 16px; line-height: 1.4; margin: 0 0 12px; font-weight: 600; }
p { margin: 0 0 12px; max-width: 72ch; text-wrap: pretty; }
h1, h2, p { overflow-wrap: anywhere; min-width: 0; }
a { color: var(--accent); }
.muted { color: var(--muted); }
.small { font-size: 13px; }
.amount { font-size: 28px; line-height: 1.2; font-weight: 600; margin: 0 0 4px; }
.card { background: var(--card); border: 1px solid var(--border); border-radius: 8px; padding: 24px; margin: 0 0 16px; }
.narrow { max-width: 480px; margin-inline: auto; }
.wide { max-width: 640px; }
.columns { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 40px; align-items: start; }
.rows { list-style: none; margin: 0; padding: 0; }
.rows li { display: flex; justify-content: space-between; gap: 16px; padding: 12px 0; border-top: 1px solid var(--border); }
.rows li > :first-child { min-width: 0; overflow-wrap: anywhere; }
.rows li:first-child { border-top: 0; }
h2 + .rows li:first-child { padding-top: 0; }
.card > .rows:last-child li:last-child { padding-bottom: 0; }
.card > :last-child { margin-bottom: 0; }
.rows .figure { text-align: end; white-space: nowrap; }
.rows .words { text-align: end; min-width: 0; overflow-wrap: anywhere; }
.rows li > :has(+ .words) { flex: none; }
.total { font-weight: 600; }
fieldset { border: 0; margin: 0 0 20px; padding: 0; min-width: 0; }
legend, label.field { display: block; font-weight: 600; margin: 0 0 8px; padding: 0; }
input[type=email], input[type=text], select { width: 100%; font: inherit; font-size: 16px; color: inherit; background: var(--card); padding: 10px 12px;
  border: 1px solid var(--control); border-radius: 8px; margin: 0 0 20px; }
.choice { display: flex; gap: 12px; align-items: flex-start; padding: 12px; border: 1px solid var(--border); border-bottom-width: 0; cursor: pointer; }
.choice:first-of-type { border-radius: 8px 8px 0 0; }
.choice:last-of-type { border-radius: 0 0 8px 8px; border-bottom-width: 1px; }
.choice:only-of-type { border-radius: 8px; }
.notice { background: var(--positive-soft); color: var(--positive); border-radius: 8px; padding: 12px; }
.actions-row { display: flex; flex-wrap: wrap; gap: 8px; margin: 16px 0 0; align-items: center; max-width: none; }
.rows li:has(> .buttons) { flex-wrap: wrap; }
.rows li > :has(+ .buttons:not(.small)) { white-space: nowrap; }
.buttons { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; align-items: center; }
.inline { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; margin: 16px 0 0; }
.inline label.field { flex-basis: 100%; margin: 0; }
.inline input[type=text] { flex: 1 1 160px; width: auto; margin: 0; }
.inline > span { flex: 1 1 auto; min-width: 0; }
details { margin: 12px 0 0; }
summary { cursor: pointer; color: var(--accent); min-height: 32px; padding: 4px 0; }
details[open] summary { margin-bottom: 8px; }
.choice:has(input:checked) { background: var(--soft); }
.choice input { margin: 3px 0 0; accent-color: var(--accent); width: 16px; height: 16px; flex: none; }
.choice span { min-width: 0; }
.choice b { display: block; font-weight: 600; }
button, .button { display: inline-block; font: inherit; font-weight: 600; padding: 10px 16px; min-height: 44px; border-radius: 8px;
  border: 1px solid var(--control); background: transparent; color: var(--text); cursor: pointer; text-decoration: none; text-align: center; }
button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); width: 100%; font-size: 16px; }
button.plain { border-color: transparent; width: 100%; color: var(--muted); }
button:hover, .button:hover { filter: brightness(1.08); text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.actions { display: grid; gap: 8px; }
.alert { background: var(--danger-soft); color: var(--danger); border-radius: 8px; padding: 12px; margin: 0 0 20px; }
.badge { display: inline-block; font-size: 12px; font-weight: 600; padding: 2px 8px; border-radius: 999px; white-space: nowrap;
  background: var(--positive-soft); color: var(--positive); }
.badge.words { max-width: 100%; white-space: normal; overflow-wrap: anywhere; border-radius: 12px; }
.badge.warning { background: var(--warning-soft); color: var(--warning); }
.badge.danger { background: var(--danger-soft); color: var(--danger); }
.spread h2 { margin: 0; }
.spread { max-width: none; margin: 0 0 12px; display: flex; flex-wrap: wrap; gap: 8px 16px; justify-content: space-between; align-items: center; }
.nowrap { white-space: nowrap; }
.buttons.small button { min-height: 32px; padding: 4px 12px; font-size: 13px; white-space: nowrap; }
code { font: 12px/1.5 ui-monospace, monospace; }
@media (max-width: 720px) { main { padding-top: 24px; } .columns { grid-template-columns: minmax(0, 1fr); gap: 24px; } .card { padding: 16px; } }
`
