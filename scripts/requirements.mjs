#!/usr/bin/env node
// Writes docs/requirements.md: each requirement with the tests that name it.
// A test names one by having its ID as a word in a title, `it('S3.9 spending more than …')`, or in the `name` of a case of a
// conformance suite. A test fails when the file is out of date; `npm run requirements` writes it anew.
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** ID → a short title. @type {Readonly<Record<string, string>>} */
export const requirements = JSON.parse(readFileSync(join(root, 'scripts/requirements.json'), 'utf8'))

/** @param {string} folder a checkout */
export function requirementsPage(folder) {
  /** @type {Map<string, Map<string, string[]>>} ID → file → titles */
  const shownBy = new Map(Object.keys(requirements).map((id) => [id, new Map()]))
  for (const file of [...sourcesIn(folder, 'test'), ...sourcesIn(folder, 'src/testing')]) {
    for (const title of titlesIn(file, readFileSync(join(folder, file), 'utf8'))) {
      for (const id of idsIn(title)) {
        const files = shownBy.get(id)
        files?.set(file, [...(files.get(file) ?? []), title])
      }
    }
  }
  const done = [...shownBy.values()].filter((files) => files.size > 0).length
  const rows = [...shownBy].map(([id, files]) => `| ${id} | ${requirements[id]} | ${cell(files)} |`)
  return `# Requirements

What Billfold promises, and the tests that show it. ${done} of ${rows.length} requirements are named by a test.

This page is generated: \`npm run requirements\` writes it from the titles of the tests.

| ID | Requirement | Shown by |
|---|---|---|
${rows.join('\n')}
`
}

/** The requirement IDs in a title: `S3.1` is not in `S3.12`. @param {string} title @param {object} known by ID */
export function idsIn(title, known = requirements) {
  const words = title.match(/(?<![\w.])(?:C\d+|S\d+\.\d+)(?![\w]|\.\d)/g) ?? []
  return [...new Set(words)].filter((id) => id in known)
}

/**
 * The titles of the tests and suites in a file, and the names of conformance cases.
 *
 * @param {string} file
 * @param {string} code
 * @returns {readonly string[]}
 */
export function titlesIn(file, code) {
  /** @type {string[]} */
  const titles = []
  const isSuiteOfCases = file.startsWith('src/testing/')
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (!isSuiteOfCases && ts.isCallExpression(node) && isTest(node.expression)) add(node.arguments[0])
    if (isSuiteOfCases && ts.isPropertyAssignment(node) && node.name.getText() === 'name') add(node.initializer)
    ts.forEachChild(node, visit)
  }
  /** @param {ts.Node | undefined} node */
  const add = (node) => {
    if (node && ts.isStringLiteralLike(node)) titles.push(node.text)
    else if (node && ts.isTemplateExpression(node)) titles.push(node.getText().slice(1, -1))
  }
  visit(ts.createSourceFile(file, code, ts.ScriptTarget.Latest, true))
  return titles
}

/** `it`, `it.each([…])`, `describe.skipIf(…)` and the like; a skipped test shows nothing. @param {ts.Expression} expression @returns {boolean} */
function isTest(expression) {
  if (ts.isIdentifier(expression)) return ['it', 'test', 'describe'].includes(expression.text)
  if (ts.isPropertyAccessExpression(expression)) {
    return !['skip', 'todo'].includes(expression.name.text) && isTest(expression.expression)
  }
  return (ts.isCallExpression(expression) || ts.isTaggedTemplateExpression(expression)) && isTest(calleeOf(expression))
}

/** @param {ts.CallExpression | ts.TaggedTemplateExpression} node */
const calleeOf = (node) => (ts.isCallExpression(node) ? node.expression : node.tag)

/** @param {string} folder @param {string} under @returns {readonly string[]} */
function sourcesIn(folder, under) {
  try {
    return readdirSync(join(folder, under), { recursive: true, encoding: 'utf8' })
      .filter((file) => (under === 'test' ? /\.test(-d)?\.tsx?$/ : /\.tsx?$/).test(file))
      .map((file) => `${under}/${file.replaceAll('\\', '/')}`)
      .sort()
  } catch {
    return []
  }
}

/** @param {ReadonlyMap<string, readonly string[]>} files */
function cell(files) {
  if (files.size === 0) return 'not yet'
  const link = (/** @type {string} */ file) => `[${file}](../${file})`
  const text = (/** @type {string} */ title) =>
    title.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('<', '&lt;')
  return [...files].map(([file, titles]) => `${link(file)}: ${[...new Set(titles)].map(text).join('; ')}`).join('<br>')
}

if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, 'docs/requirements.md'), requirementsPage(root))
}
