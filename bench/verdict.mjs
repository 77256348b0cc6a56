import { standing } from './figures.mjs'

/** @typedef {import('./figures.mjs').Result} Result */

/** @param {Result} result */
export function missesFloor({ parts, better }) {
  // A part without a figure misses it too.
  return parts.some((part) => !(standing(part, better, 'floor') >= 1))
}

/** @param {import('./figures.mjs').Part} part @param {'higher' | 'lower'} better @returns {'goal' | 'floor' | 'missed'} */
export function verdictOn(part, better) {
  if (standing(part, better, 'goal') >= 1) return 'goal'
  return standing(part, better, 'floor') >= 1 ? 'floor' : 'missed'
}

/** @param {number} value */
export function shown(value) {
  if (!Number.isFinite(value)) return 'none'
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(2)
}

const words = { goal: 'goal', floor: 'below goal', missed: 'BELOW FLOOR' }

/** @param {readonly Result[]} results */
export function table(results) {
  const lines = results.flatMap(({ id, parts, better, notes }) => [
    ...parts.map((part) => {
      const marks = `goal ${shown(part.goal)}, floor ${shown(part.floor)}`
      return `${id.padEnd(4)} ${words[verdictOn(part, better)].padEnd(11)} ${shown(part.ratio).padStart(8)}  (${marks})  ${part.measure}`
    }),
    ...notes.map((note) => `     ${note}`),
  ])
  return lines.join('\n')
}
