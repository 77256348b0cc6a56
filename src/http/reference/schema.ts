import { Html, html, prose } from './html.js'

/** What of JSON Schema there is in the document. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly description?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly default?: unknown
  readonly example?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly maxItems?: number
}

/** The name behind `#/components/schemas/<name>`. */
function nameOf(reference: string): string {
  return reference.split('/').at(-1) ?? reference
}

/** What a value may be, in a few words; what has a name leads to it. */
export function typeOf(schema: Schema): Html {
  if (schema.$ref !== undefined) {
    const name = nameOf(schema.$ref)
    return html`<a href="#schema-${name}">${name}</a>`
  }
  const options = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (options) return joined(options.map(typeOf), schema.allOf === options ? ' and ' : ' or ')
  if (schema.enum)
    return joined(
      schema.enum.map((each) => html`<code>${JSON.stringify(each)}</code>`),
      ' or ',
    )
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.items) return html`list of ${typeOf(schema.items)}`
  const { additionalProperties: values } = schema
  if (typeof values === 'object' && !schema.properties && Object.keys(values).length > 0)
    return html`map of ${typeOf(values)}`
  const names = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['anything'])
  return html`${names.join(' or ')}${schema.format && ` (${schema.format})`}`
}

/** The fields of an object, and those of the objects in it that have no name. */
export function fieldsOf(schema: Schema): Html | undefined {
  const inner = [schema, schema.items, ...(schema.anyOf ?? []), ...(schema.allOf ?? [])].find(
    (each) => each?.properties,
  )
  if (!inner?.properties || schema.$ref !== undefined) return undefined
  const required = new Set(inner.required)
  const fields = Object.entries(inner.properties).map(([name, field]) =>
    fieldRow({ name, schema: field, isRequired: required.has(name), description: field.description }),
  )
  return html`<dl>${fields}</dl>`
}

/** A field, parameter or header as it is shown. */
export function fieldRow(field: {
  readonly name: string
  readonly schema: Schema
  readonly isRequired: boolean
  readonly description?: string | undefined
}): Html {
  const { name, schema, isRequired, description } = field
  const notes = [...limitsOf(schema), ...exampleOf(schema)]
  return html`<div><dt><code>${name}</code> <span class="type">${typeOf(schema)}</span>${
    isRequired && html` <span class="must">required</span>`
  }</dt>${description && html`<dd>${prose(description)}</dd>`}${
    notes.length > 0 && html`<dd class="note">${notes.join(' · ')}</dd>`
  }${fieldsOf(schema) && html`<dd>${fieldsOf(schema)}</dd>`}</div>`
}

function limitsOf({ minimum, maximum, minLength, maxLength, maxItems, default: given }: Schema): readonly string[] {
  const isWide = maximum === undefined || maximum >= Number.MAX_SAFE_INTEGER
  return [
    ...(minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER ? [] : [`at least ${minimum}`]),
    ...(isWide ? [] : [`at most ${maximum}`]),
    ...(minLength === undefined ? [] : [`at least ${minLength} characters`]),
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(maxItems === undefined ? [] : [`at most ${maxItems} items`]),
    ...(given === undefined ? [] : [`default ${JSON.stringify(given)}`]),
  ]
}

function exampleOf({ example }: Schema): readonly string[] {
  return example === undefined ? [] : [`for example ${JSON.stringify(example)}`]
}

function joined(pieces: readonly Html[], between: string): Html {
  return new Html(pieces.map(({ text }) => text).join(between))
}
