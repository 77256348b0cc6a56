import { type CreditPackage, formatSparks } from 'billfold'
import { catalog } from '../billing.js'
import { type Html, html } from './html.js'

const locale = 'en-US'
/** `Intl` writes a hyphen. */
const minus = '−'
const rounded = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 })
const exact = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 })
const dollars = new Intl.NumberFormat(locale, { style: 'currency', currency: catalog.currency })
const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'long', timeZone: 'UTC' })
const minute = new Intl.DateTimeFormat(locale, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
  timeZone: 'UTC',
})

/** Decimal text as people read it. `Intl` reads text digit by digit, so nothing passes through a float. */
export function number(decimal: string): string {
  return rounded.format(decimal as `${number}`).replace('-', minus)
}

/** An amount of Sparks: short to read, exact to hover over. */
export function sparks(micro: bigint): Html {
  const text = formatSparks(micro)
  return html`<data value="${text}" title="${exact.format(text as `${number}`).replace('-', minus)} Sparks">${number(text)}</data>`
}

/** A change of the balance, with its sign. */
export function change(micro: bigint): Html {
  const text = formatSparks(micro < 0n ? -micro : micro)
  const sign = micro < 0n ? minus : '+'
  return html`<data value="${formatSparks(micro)}" title="${sign}${exact.format(text as `${number}`)} Sparks">${sign}${number(text)}</data>`
}

/** Money, from decimal text. */
export function money(decimal: string): string {
  return dollars.format(decimal as `${number}`)
}

/** What a number of packages costs. */
export function priceOf({ price }: CreditPackage, quantity: number): string {
  const text = (price.nanos * BigInt(quantity)).toString().padStart(10, '0')
  return money(`${text.slice(0, -9)}.${text.slice(-9)}`)
}

/** What an amount of Sparks costs to buy. */
export function worth(micro: bigint): string {
  const { coefficient, scale } = catalog.spark.price
  const digits = (micro < 0n ? -micro : micro) * coefficient
  const text = digits.toString().padStart(scale + 7, '0')
  return money(`${micro < 0n ? '-' : ''}${text.slice(0, -scale - 6)}.${text.slice(-scale - 6)}`)
}

/** A day, in UTC. */
export function date(at: Date): Html {
  return html`<time datetime="${at.toISOString()}">${day.format(at)}</time>`
}

/** A moment, in UTC. */
export function time(at: Date): Html {
  return html`<time datetime="${at.toISOString()}" title="${at.toISOString()}">${minute.format(at)}</time>`
}
