import { compare } from './decimal.js'

/** Numbers, amounts and moments in the words of a locale. Figures go to `Intl` as decimal text, which it formats exactly. */
export interface Format {
  readonly locale: string
  readonly direction: 'ltr' | 'rtl'
  /** An amount; tiny ones keep the digits that tell them from nothing. */
  money(amount: string | number, currency: string): string
  /** The same with all of its digits, for a tooltip or for copying. */
  exactMoney(amount: string | number, currency: string): string
  /** A quantity with at most two decimals. */
  number(value: string | number): string
  /** The same with all of its digits. */
  exactNumber(value: string | number): string
  /** `12K`, `3.4M`: for axes and badges. */
  compact(value: string | number): string
  /** A share in thousandths. */
  percent(permille: number): string
  /** A day, of a moment of the wire. */
  date(moment: string): string
  /** Without the year: for axes and short spans. */
  day(moment: string): string
  /** A moment of the wire, to the minute. */
  dateTime(moment: string): string
  /** Several things in one sentence. */
  list(items: readonly string[]): string
  /** What a currency writes for itself. */
  symbol(currency: string): string
  /** Which of a text's forms a count takes. */
  plural(count: number): Intl.LDMLPluralRule
}

export function createFormat(locale: string, timeZone: string | undefined): Format {
  const cache = new Map<string, Intl.NumberFormat>()
  const numbers = (options: Intl.NumberFormatOptions) => {
    const key = JSON.stringify(options)
    const found = cache.get(key) ?? new Intl.NumberFormat(locale, options)
    cache.set(key, found)
    return found
  }
  const text = (value: string | number) => String(value) as Intl.StringNumericLiteral
  const zone = timeZone === undefined ? {} : { timeZone }
  const dates = dateFormats(locale, { dateStyle: 'medium' }, timeZone)
  const days = dateFormats(locale, { month: 'short', day: 'numeric' }, timeZone)
  const times = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', ...zone })
  const plurals = new Intl.PluralRules(locale)
  const lists = new Intl.ListFormat(locale, { type: 'conjunction' })
  const currencyOf = (currency: string) => ({ style: 'currency', currency: currency.toUpperCase() }) as const
  return {
    locale,
    direction: rightToLeft.has(new Intl.Locale(locale).language) ? 'rtl' : 'ltr',
    money(amount, currency) {
      const options = currencyOf(currency)
      const isTiny = compare(amount, '0.01') < 0 && compare(amount, '-0.01') > 0 && compare(amount, 0) !== 0
      return numbers(isTiny ? { ...options, maximumSignificantDigits: 3 } : options).format(text(amount))
    },
    exactMoney: (amount, currency) =>
      numbers({ ...currencyOf(currency), maximumFractionDigits: 12 }).format(text(amount)),
    number: (value) => numbers({ maximumFractionDigits: 2 }).format(text(value)),
    exactNumber: (value) => numbers({ maximumFractionDigits: 20 }).format(text(value)),
    compact: (value) => numbers({ notation: 'compact', maximumFractionDigits: 1 }).format(text(value)),
    percent: (permille) => numbers({ style: 'percent', maximumFractionDigits: 0 }).format(permille / 1_000),
    date: (moment) => dates(moment),
    day: (moment) => days(moment),
    dateTime: (moment) => times.format(new Date(moment)),
    list: (items) => lists.format(items),
    symbol(currency) {
      const parts = numbers({ ...currencyOf(currency), currencyDisplay: 'narrowSymbol' }).formatToParts(0)
      return parts.find(({ type }) => type === 'currency')?.value ?? currency
    },
    plural: (count) => plurals.select(count),
  }
}

/** A moment is of the reader's day; a day of a rollup is one of UTC, wherever it is read. */
function dateFormats(locale: string, options: Intl.DateTimeFormatOptions, timeZone: string | undefined) {
  const moments = new Intl.DateTimeFormat(locale, { ...options, ...(timeZone === undefined ? {} : { timeZone }) })
  const days = new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
  return (moment: string) => (moment.length === 10 ? days : moments).format(new Date(moment))
}

const rightToLeft = new Set(['ar', 'arc', 'ckb', 'dv', 'fa', 'he', 'ku', 'ps', 'sd', 'ug', 'ur', 'yi'])
