#!/usr/bin/env node
// Makes fonts/NotoSans-invoice.ttf, the font that invoices are drawn with: Latin, Greek and Cyrillic of Noto Sans.
//
//   node scripts/invoice-font.mjs NotoSans-Regular.ttf
//
// The same source gives the same bytes. It is that of Debian's fonts-noto-core 20201225, under the licence in fonts/OFL.txt.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import subsetFont from 'subset-font'

const sourceDigest = '89c3c497f618fdaa0b2d1e98fef93582f28c71debd2c4a8cdf41f190ced2909d'
/** First and last characters: Latin with its marks, Greek, Cyrillic, Vietnamese, punctuation, currencies, signs. */
const ranges = [
  [0x20, 0x7e],
  [0xa0, 0x17f],
  [0x18f, 0x18f],
  [0x192, 0x192],
  [0x1a0, 0x1b0],
  [0x218, 0x21b],
  [0x2bb, 0x2bc],
  [0x300, 0x30c],
  [0x323, 0x328],
  [0x370, 0x3e1],
  [0x400, 0x4ff],
  [0x1e80, 0x1ef9],
  [0x2010, 0x205e],
  [0x20a0, 0x20bf],
  [0x2116, 0x2122],
  [0x2212, 0x2212],
]

const [path] = process.argv.slice(2)
if (path === undefined) throw new Error('usage: node scripts/invoice-font.mjs NotoSans-Regular.ttf')
const source = readFileSync(path)
const digest = createHash('sha256').update(source).digest('hex')
if (digest !== sourceDigest) throw new Error(`${path} has SHA-256 ${digest}, expected ${sourceDigest}.`)
const text = ranges
  .flatMap(([first = 0, last = 0]) => Array.from({ length: last - first + 1 }, (_, place) => first + place))
  .map((code) => String.fromCodePoint(code))
  .join('')
const target = new URL('../fonts/NotoSans-invoice.ttf', import.meta.url)
const subset = await subsetFont(source, text, { targetFormat: 'truetype', noLayoutClosure: true })
writeFileSync(target, subset)
console.log(`${target.pathname}: ${subset.length} bytes`)
