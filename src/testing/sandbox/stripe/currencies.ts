/**
 * The currencies Stripe can charge in.
 *
 * @see https://docs.stripe.com/currencies#presentment-currencies
 */
export const currencies: readonly string[] = `
  usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny
  cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr ils inr isk jmd
  jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mro mur mvr mwk mxn myr mzn nad
  ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sll sos srd std szl thb
  tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw eek lvl svc vef ltl`
  .trim()
  .split(/\s+/)

const known = new Set(currencies)

export function isCurrency(code: string): boolean {
  return known.has(code)
}

// https://docs.stripe.com/currencies#zero-decimal and #special-cases
const withoutMinorUnit = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '))
/** Counted in hundredths all the same; the last two digits are always zero. */
const withEmptyDigits = new Set(['isk', 'ugx'])
const withThousandths = new Set(['bhd', 'jod', 'kwd', 'omr', 'tnd'])

/** How many digits the integers of a currency have after the point. */
export function minorDigits(currency: string): number {
  if (withoutMinorUnit.has(currency)) return 0
  return withThousandths.has(currency) ? 3 : 2
}

/** What an amount that is charged must be a multiple of. */
export function stepOf(currency: string): number {
  if (withEmptyDigits.has(currency)) return 100
  return withThousandths.has(currency) ? 10 : 1
}

/** The nearest amount that can be charged, half away from zero. */
export function toChargeable(amount: number, currency: string): number {
  const step = stepOf(currency)
  const rounded = Math.sign(amount) * Math.floor(Math.abs(amount) / step + 0.5) * step
  return rounded === 0 ? 0 : rounded
}

// https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
const least = new Map(
  Object.entries({
    aed: 200,
    aud: 50,
    bgn: 100,
    brl: 50,
    cad: 50,
    chf: 50,
    czk: 1500,
    dkk: 250,
    eur: 50,
    gbp: 30,
    hkd: 400,
    huf: 17_500,
    inr: 50,
    jpy: 50,
    mxn: 1000,
    myr: 200,
    nok: 300,
    nzd: 50,
    pln: 200,
    ron: 200,
    sek: 300,
    sgd: 50,
    thb: 1000,
    usd: 50,
  }),
)

/** The smallest charge. Those that the table does not name are worth about half a dollar at Stripe; here one step is enough. */
export function leastCharge(currency: string): number {
  return least.get(currency) ?? stepOf(currency)
}
