#!/usr/bin/env node
// Writes docs/requirements.md, each requirement with its state and the tests that name it, and the states into README.md.
// A test names a requirement by having its ID as a word in a title, `it('S3.9 spending more than …')`, or in the `name` of a case of
// a conformance suite. The state is said in requirements.json. A test fails when a page is out of date; `npm run requirements`
// writes both anew.
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/**
 * ID → what it asks in short, and how far it is; `missing` says what keeps it from being built.
 *
 * @type {Readonly<Record<string, { title: string, state: 'built' | 'in part' | 'not yet', missing?: string }>>}
 */
export const requirements = JSON.parse(readFileSync(join(root, 'scripts/requirements.json'), 'utf8'))

/** The page with the tests. @param {string} folder a checkout */
export function requirementsPage(folder) {
  const shownBy = testsByRequirement(folder)
  const rows = Object.entries(requirements).map(([id, requirement]) => {
    const files = shownBy.get(id) ?? new Map()
    const titles = [...files.values()].reduce((count, list) => count + list.length, 0)
    const tests =
      titles === 0 ? '–' : `[${titles} in ${files.size === 1 ? 'one file' : `${files.size} files`}](#${anchor(id)})`
    return `| ${id} | ${requirement.title} | ${stateOf(requirement)} | ${tests} |`
  })
  const sections = [...shownBy]
    .filter(([, files]) => files.size > 0)
    .map(([id, files]) => `### ${id}\n\n${list(files)}`)
  return `# Requirements

What Billfold promises, how far each promise is, and the tests that show it. ${summary()}

This page is generated: \`npm run requirements\` writes it from \`scripts/requirements.json\` and the titles of the tests; "…" stands for
what a test fills in for each of its cases.

| ID | Requirement | State | Tests |
|---|---|---|---|
${rows.join('\n')}

## The tests of each requirement

${sections.join('\n\n')}
`
}

const marks = ['<!-- requirements: written by `npm run requirements` -->', '<!-- /requirements -->']

/** The README with the states as they are now. @param {string} readme */
export function withRequirements(readme) {
  const [before = '', rest = ''] = readme.split(marks[0] ?? '')
  const [, after = ''] = rest.split(marks[1] ?? '')
  const rows = Object.entries(requirements).map(
    ([id, requirement]) => `| ${id} | ${requirement.title} | ${stateOf(requirement)} |`,
  )
  return `${before}${marks[0]}
${summary()}

<details>
<summary>Each of them</summary>

| ID | Requirement | State |
|---|---|---|
${rows.join('\n')}

</details>
${marks[1]}${after}`
}

/** How many are how far. */
function summary() {
  const all = Object.values(requirements)
  const count = (/** @type {string} */ state) => all.filter((requirement) => requirement.state === state).length
  return `Of ${all.length} requirements ${count('built')} are built, ${count('in part')} in part, ${count('not yet')} not yet.`
}

/** @param {{ state: string, missing?: string }} requirement */
function stateOf({ state, missing }) {
  return missing === undefined ? state : `${state}; missing: ${missing}`
}

/** @param {string} folder @returns {ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>} ID → file → titles */
export function testsByRequirement(folder) {
  /** @type {Map<string, Map<string, string[]>>} */
  const shownBy = new Map(Object.keys(requirements).map((id) => [id, new Map()]))
  for (const file of [...sourcesIn(folder, 'test'), ...sourcesIn(folder, 'src/testing')]) {
    for (const title of titlesIn(file, readFileSync(join(folder, file), 'utf8'))) {
      for (const id of idsIn(title)) {
        const files = shownBy.get(id)
        files?.set(file, [...new Set([...(files.get(file) ?? []), title])])
      }
    }
  }
  return shownBy
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

/** As GitHub makes it from a heading. @param {string} id */
function anchor(id) {
  return id.toLowerCase().replace('.', '')
}

/** @param {ReadonlyMap<string, readonly string[]>} files */
function list(files) {
  const text = (/** @type {string} */ title) =>
    title
      .replace(/\s+/g, ' ')
      .replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}|%[sdij]/g, '…')
      .replaceAll('<', '&lt;')
  return [...files]
    .map(([file, titles]) => `- [${file}](../${file})\n${titles.map((title) => `  - ${text(title)}`).join('\n')}`)
    .join('\n')
}

if (realpathSync(process.argv[1] ?? '.') === fileURLToPath(import.meta.url)) {
  writeFileSync(join(root, 'docs/requirements.md'), requirementsPage(root))
  const readme = join(root, 'README.md')
  writeFileSync(readme, withRequirements(readFileSync(readme, 'utf8')))
}
