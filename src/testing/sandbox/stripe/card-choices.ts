import { html } from 'hono/html'
import type { Markup } from '../page.js'
import { type TestCard, testCards } from './test-cards.js'

export interface Choice {
  readonly value: string
  readonly label: string
  readonly does: string
}

/** The cards most people need; the others fold away. */
const firstNumbers = ['4242424242424242', '4000002500003155', '4000000000009995', '000123456789']

/** Test cards to pick from with what each does, after those that are saved. */
export function cardChoices(terms: {
  readonly legend: string
  readonly saved?: readonly Choice[]
  readonly chosen?: string | null | undefined
  readonly fits?: (card: TestCard) => boolean
}): Markup {
  const offered = testCards.filter(terms.fits ?? (() => true)).map(toChoice)
  const first = [...(terms.saved ?? []), ...offered.filter(({ value }) => firstNumbers.includes(value))]
  const others = offered.filter(({ value }) => !firstNumbers.includes(value))
  const known = [...first, ...others].some(({ value }) => value === terms.chosen)
  const chosen = known ? terms.chosen : first[0]?.value
  const open = others.some(({ value }) => value === chosen)
  return html`<fieldset><legend>${terms.legend}</legend><div class="choices">${first.map((choice) => radio(choice, chosen))}</div>
<details${open ? ' open' : ''}><summary>Other test cards and accounts</summary><div class="choices">${others.map((choice) => radio(choice, chosen))}</div></details></fieldset>`
}

function toChoice({ number, label, does }: TestCard): Choice {
  return { value: number, label, does }
}

function radio({ value, label, does }: Choice, chosen: string | null | undefined): Markup {
  return html`<label class="choice"><input type="radio" name="card" value="${value}"${value === chosen ? ' checked' : ''}><span><b>${label}</b><span class="muted small">${does}</span></span></label>`
}
