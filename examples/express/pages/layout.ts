import { type Html, html } from './html.js'

/** A whole page. `refreshSeconds` is for pages that wait for something. */
export function layout(page: {
  readonly title: string
  readonly body: Html
  readonly account?: string
  /** One card, for pages that say one thing. */
  readonly isSmall?: boolean
  readonly refreshSeconds?: number
}): string {
  const { title, body, account, isSmall = false, refreshSeconds } = page
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${refreshSeconds === undefined ? null : html`<meta http-equiv="refresh" content="${refreshSeconds}">`}
<title>${title} · Parrot</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body class="${isSmall ? 'small' : ''}">
<header class="top"><a class="brand" href="/">Parrot</a>${account === undefined ? null : html`<span class="muted">${account}</span>`}</header>
<main>
${body}
</main>
</body>
</html>
`.markup
}

/** Small pictures beside words, never in their place. */
export const icons = {
  ok: icon(html`<circle cx="8" cy="8" r="6.5"/><path d="m5 8.2 2.1 2.1L11 6.2"/>`),
  warning: icon(html`<path d="M8 2 14.5 13.5h-13z"/><path d="M8 6.5v3.2M8 11.6v.2"/>`),
  full: icon(html`<circle cx="8" cy="8" r="6.5"/><path d="M8 4.6v4M8 11v.2"/>`),
  stopped: icon(html`<path d="M5.3 1.8h5.4l3.5 3.5v5.4l-3.5 3.5H5.3l-3.5-3.5V5.3z"/><path d="M5 8h6"/>`),
  waiting: icon(html`<circle cx="8" cy="8" r="6.5"/><path d="M8 4.5V8l2.4 1.6"/>`),
} as const

function icon(shape: Html): Html {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${shape}</svg>`
}
