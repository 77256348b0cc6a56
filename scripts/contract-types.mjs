#!/usr/bin/env node
// Writes src/client/contract.ts, the types of what `billfold/client` asks and is answered, from docs/openapi.json. A test fails when it is
// out of date; `npm run openapi` writes both anew.
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import openapiTypes, { astToString } from 'openapi-typescript'

const document = new URL('../docs/openapi.json', import.meta.url)

/** The types as text. */
export async function contractText() {
  const { paths, components, ...rest } = JSON.parse(readFileSync(document, 'utf8'))
  const { responses: _, ...others } = components
  const kept = Object.entries(paths).flatMap(([path, item]) => {
    // The client names an account in a header; webhooks are for providers.
    if (path.includes('{organization_id}') || path.includes('/webhooks/')) return []
    const operations = Object.entries(item).map(([method, operation]) => [method, succeeding(operation)])
    return [[path.replace('/api/billing', ''), Object.fromEntries(operations)]]
  })
  const types = await openapiTypes(
    { ...rest, components: others, paths: Object.fromEntries(kept) },
    { immutable: true },
  )
  const text = astToString(types)
    .replace(/^ +readonly \w+\?: never;\n/gm, '')
    .replace(/^ +readonly parameters: \{\n +\};\n/gm, '')
    .replace(/^ +headers: \{\n.*\n +\};\n/gm, '')
    // A tag that typedoc does not know.
    .replace(/@description /g, '')
    .replace(/^export type (webhooks|\$defs|operations) = .*\n/gm, '')
  return `// Written by \`npm run openapi\` out of docs/openapi.json.\n\n${text}`
}

/** Every error is the same document, which the client throws. @param {any} operation */
function succeeding({ parameters = [], responses, ...operation }) {
  const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'))
  const own = parameters.filter((/** @type {any} */ { in: place }) => place !== 'header')
  return { ...operation, parameters: own, responses: Object.fromEntries(answers) }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  writeFileSync(new URL('../src/client/contract.ts', import.meta.url), await contractText())
