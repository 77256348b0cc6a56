import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { expect } from 'vitest'

/** What of an OpenAPI document is looked at. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly responses: Readonly<Record<string, Said>> }
}
interface Operation {
  readonly responses: Readonly<Record<string, Said | { readonly $ref: string }>>
}
interface Said {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

/** An answer as it came, and what it answers. */
interface Answered {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly type: string | null
  readonly body: unknown
}

/** Looks whether the operation that was asked for is said to answer so: by this status, in this type, with these fields and no others. */
export function documented(document: object): (answered: Answered) => void {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema(exact(document) as object, 'document')
  const { paths, components } = document as Document
  const known = Object.keys(paths).map((path) => {
    return { path, pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`) }
  })
  const compiled = new Map<string, ValidateFunction>()

  return ({ method, path, status, type, body }) => {
    const address = path.replace(/\?.*$/, '').replace(/\/$/, '')
    const fitting = known.filter(({ pattern }) => pattern.test(address))
    // What is written out goes before what is a parameter, as it does where it is answered.
    const found = fitting.find((each) => each.path === address) ?? fitting[0]
    const operation = found && paths[found.path]?.[method.toLowerCase()]
    if (!found || !operation) return
    const name = `${method} ${found.path} ${status}`
    expect(Object.keys(operation.responses), `${name} is in the document`).toContain(String(status))
    const [media = ''] = (type ?? '').split(';')
    const said = operation.responses[status]
    const shared = said && '$ref' in said ? said.$ref.replace('#/components/responses/', '') : null
    const content = shared === null ? (said as Said).content : components.responses[shared]?.content
    if (!content) return
    expect(Object.keys(content), `${name} is of a type in the document`).toContain(media)
    if (!media.endsWith('json')) return
    const place =
      shared === null
        ? ['paths', found.path, method.toLowerCase(), 'responses', status]
        : ['components', 'responses', shared]
    const steps = [...place, 'content', media, 'schema']
    const pointer = steps.map((step) => encodeURIComponent(String(step).replaceAll('~', '~0').replaceAll('/', '~1')))
    const ref = `document#/${pointer.join('/')}`
    const validate = compiled.get(ref) ?? ajv.compile({ $ref: ref })
    compiled.set(ref, validate)
    const wrong = validate(body)
      ? []
      : validate.errors?.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`)
    expect(wrong, `${name}: ${JSON.stringify(body)}`).toEqual([])
  }
}

/** The same, in which an object has no fields but those that are named. */
function exact(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(exact)
  if (typeof schema !== 'object' || schema === null) return schema
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, exact(value)]))
  const isClosed = 'properties' in schema && 'type' in schema && !('additionalProperties' in schema)
  return isClosed ? { ...inner, additionalProperties: false } : inner
}

/** Of the routes of a service with a provider, as it is kept in docs. */
export const expectDocumented = documented(JSON.parse(readFileSync('docs/openapi.json', 'utf8')) as object)
