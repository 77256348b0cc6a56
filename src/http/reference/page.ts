import { Html, html, prose } from './html.js'
import { fieldRow, fieldsOf, type Schema, typeOf } from './schema.js'
import { style } from './style.js'

/** What of an OpenAPI document is shown. */
export interface ShownDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly security?: readonly object[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content?: Content; readonly required?: boolean }
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required?: boolean
  readonly description?: string
  readonly schema?: Schema
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

/**
 * The page, which nothing is loaded for, and the policy that it may be shown under. Ids are inside of what is folded: a link there unfolds it.
 */
export async function referencePage(document: ShownDocument, basePath: string): Promise<Response> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
  const hash = btoa(String.fromCharCode(...new Uint8Array(digest)))
  return new Response(pageOf(document, basePath).text, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    },
  })
}

function pageOf({ info, paths, components }: ShownDocument, basePath: string): Html {
  const groups = groupsOf(paths, basePath)
  const schemas = Object.entries(components?.schemas ?? {}).sort(([left], [right]) => (left < right ? -1 : 1))
  const names = [...groups.keys()]
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${info.title}: reference</title>
<style>${new Html(style)}</style>
</head>
<body>
<header>
<h1>${info.title}</h1>
<p>${prose(info.description)}</p>
<p class="note">Version ${info.version}. Routes begin with <code>${basePath}</code>. <a href="openapi.json">OpenAPI document</a></p>
</header>
<nav aria-label="Sections"><ul>${[...names, ...(schemas.length > 0 ? ['schemas'] : [])].map(
    (name) => html`<li><a href="#${name}">${wordsOf(name)}</a></li>`,
  )}</ul></nav>
<main>
${[...groups].map(
  ([name, operations]) =>
    html`<section aria-labelledby="${name}"><h2 id="${name}">${wordsOf(name)}</h2>${operations.map(
      operationOf,
    )}</section>`,
)}
${
  schemas.length > 0 &&
  html`<section aria-labelledby="schemas"><h2 id="schemas">Schemas</h2>${schemas.map(
    ([name, schema]) => html`<details class="schema"><summary><code>${name}</code></summary>
<div class="body" id="schema-${name}">${schema.description && html`<p>${prose(schema.description)}</p>`}${
      fieldsOf(schema) ?? html`<p class="type">${typeOf(schema)}</p>`
    }</div></details>`,
  )}</section>`
}
</main>
</body>
</html>`
}

interface Shown extends Operation {
  readonly method: string
  readonly path: string
}

/** By what comes first in the path after the base: what belongs to one thing stands together. */
function groupsOf(paths: ShownDocument['paths'], basePath: string): ReadonlyMap<string, readonly Shown[]> {
  const groups = new Map<string, Shown[]>()
  for (const [whole, methods] of Object.entries(paths)) {
    const path = whole.startsWith(`${basePath}/`) ? whole.slice(basePath.length) : whole
    const name = path.split('/').find((part) => part !== '' && !part.startsWith('{')) ?? 'routes'
    const operations = Object.entries(methods).map(([method, operation]) => ({ method, path, ...operation }))
    groups.set(name, [...(groups.get(name) ?? []), ...operations])
  }
  return groups
}

function operationOf({ method, path, summary, description, security, ...operation }: Shown): Html {
  const { operationId, parameters = [], requestBody, responses = {} } = operation
  const isPublic = security?.length === 0
  return html`<details><summary><span class="method ${method}">${method.toUpperCase()}</span><code>${path}</code>${
    summary && html`<span class="about">${prose(summary)}</span>`
  }</summary>
<div class="body" id="${operationId}">${description && html`<p>${prose(description)}</p>`}${isPublic && html`<p class="note">Anybody may ask.</p>`}${
    parameters.length > 0 && html`<h3>Parameters</h3><dl>${parameters.map(parameterOf)}</dl>`
  }${requestBody && html`<h3>Body</h3>${contentOf(requestBody.content)}`}<h3>Answers</h3><dl>${Object.entries(
    responses,
  ).map(
    ([status, response]) =>
      html`<div><dt><code>${status}</code> <span class="type">${mediaOf(response.content)}</span></dt><dd>${prose(response.description)}</dd>${Object.values(response.content ?? {}).map(({ schema }) => schema && fieldsOf(schema) && html`<dd>${fieldsOf(schema)}</dd>`)}</div>`,
  )}</dl></div></details>`
}

function parameterOf({ name, in: place, required = false, description, schema = {} }: Parameter): Html {
  const where = place === 'path' ? 'In the path.' : place === 'header' ? 'A header.' : ''
  const said = [where, description ?? schema.description ?? ''].filter((each) => each !== '').join(' ')
  return fieldRow({ name, schema, isRequired: required, description: said === '' ? undefined : said })
}

function contentOf(content: Content = {}): readonly Html[] {
  return Object.entries(content).map(
    ([type, { schema = {} }]) => html`<p class="type"><code>${type}</code> ${typeOf(schema)}</p>${fieldsOf(schema)}`,
  )
}

function mediaOf(content: Content = {}): readonly Html[] {
  return Object.entries(content).map(([type, { schema }]) => html`${type} ${schema && typeOf(schema)} `)
}

function wordsOf(name: string): string {
  return name.replaceAll('-', ' ').replace(/^api\b/, 'API')
}
