import { shown } from './verdict.mjs'

const [width, nameWidth, valueWidth, rowHeight, top] = [720, 210, 90, 34, 48]

/**
 * A bar chart as SVG that reads on light and on dark pages: its colours follow the reader's scheme.
 *
 * @param {{ title: string, unit: string, bars: readonly { name: string, value: number, isOurs: boolean }[] }} chart
 */
export function barChart({ title, unit, bars }) {
  const largest = Math.max(...bars.map(({ value }) => value))
  const height = top + bars.length * rowHeight + 12
  const rows = bars.map(({ name, value, isOurs }, index) => {
    const y = top + index * rowHeight
    const length = Math.max(2, (value / largest) * (width - nameWidth - valueWidth - 20))
    return `  <text x="${nameWidth}" y="${y + 16}" text-anchor="end">${escaped(name)}</text>
  <rect class="${isOurs ? 'ours' : 'other'}" x="${nameWidth + 10}" y="${y}" width="${length.toFixed(1)}" height="22" rx="3"/>
  <text x="${(nameWidth + 18 + length).toFixed(1)}" y="${y + 16}">${shown(value)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
  <style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328 }
    .title { font-weight: 600; font-size: 15px }
    .ours { fill: #0969da }
    .other { fill: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .ours { fill: #4493f8 }
      .other { fill: #6e7681 }
    }
  </style>
  <text class="title" x="10" y="24">${escaped(title)}, ${escaped(unit)}</text>
${rows.join('\n')}
</svg>
`
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
