import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'

/** What a value lacks to have the shape; empty when it has it. */
export function problemsOf(validate: ValidateFunction, name: string, value: unknown): string[] {
  if (validate(value)) return []
  return (validate.errors ?? []).map(
    ({ instancePath, message, params }) => `${name}${instancePath} ${message} ${JSON.stringify(params)}`,
  )
}

/** The shapes of an OpenAPI file, by name. */
export function loadSchemas(path: string): (name: string) => ValidateFunction {
  const { components } = JSON.parse(readFileSync(path, 'utf8')) as { components: unknown }
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema({ $id: 'api', components: toJsonSchema(components) })
  return (name) => {
    const validate = ajv.getSchema(`api#/components/schemas/${name}`)
    if (validate === undefined) throw new Error(`No schema ${name}`)
    return validate as ValidateFunction
  }
}

/** OpenAPI 3.0 says `nullable`; JSON Schema has a null type. Enums the vendor may extend are not checked. */
function toJsonSchema(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(toJsonSchema)
  if (typeof node !== 'object' || node === null) return node
  const { nullable, ...rest } = node as { nullable?: unknown; [key: string]: unknown }
  const schema = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, toJsonSchema(value)]))
  if (schema['x-stripeBypassValidation'] === true) delete schema.enum
  if (nullable !== true) return schema
  return { anyOf: [schema, { type: 'null' }] }
}
