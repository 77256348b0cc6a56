import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'
import { problemsOf } from './contract-schemas.js'

interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: {
    readonly required?: boolean
    readonly content: Readonly<Record<string, { readonly schema: object }>>
  }
  readonly responses: Readonly<Record<string, { readonly $ref?: string; readonly content?: Content }>>
}
interface Parameter {
  readonly $ref?: string
  readonly name: string
  readonly in: string
  readonly required?: boolean
}
type Content = Readonly<Record<string, { readonly schema: object }>>
interface Api {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly webhooks: Readonly<Record<string, { readonly post: Operation }>>
  readonly components: {
    readonly parameters: Readonly<Record<string, Parameter>>
    readonly responses: Readonly<Record<string, { readonly content: Content }>>
  }
}

/** The description does not say it, the server does: nothing is answered until the file is there. */
const mayBeEmpty: ReadonlySet<string> = new Set(['POST /invoices/{lago_id}/download'])

/** What was said on the wire. */
export interface Exchange {
  readonly method: string
  readonly url: string
  readonly request: unknown
  readonly status: number
  readonly answer: unknown
}

/** Lago's published API, as a judge of exchanges and webhooks. */
export interface LagoContract {
  /** What of an exchange is not as it is published, and the operation that it was. */
  problemsOf(exchange: Exchange): { readonly operation: string; readonly problems: readonly string[] }
  /** What of a webhook's body is not as it is published. */
  webhookProblems(body: unknown): readonly string[]
}

export function lagoContract(file: string): LagoContract {
  const api = JSON.parse(readFileSync(file, 'utf8')) as Api
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true })
  ajv.addSchema({ ...api, $id: 'api' })
  const compiled = new Map<string, ValidateFunction>()
  const validate = (pointer: string): ValidateFunction => {
    const known = compiled.get(pointer) ?? (ajv.getSchema(`api${pointer}`) as ValidateFunction | undefined)
    if (known === undefined) throw new Error(`No schema at ${pointer}`)
    compiled.set(pointer, known)
    return known
  }
  const templates = Object.keys(api.paths).map((path) => ({
    path,
    expression: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
  }))

  return {
    problemsOf({ method, url, request, status, answer }) {
      const { pathname, searchParams } = new URL(url)
      const address = pathname.slice(pathname.indexOf('/api/v1') + '/api/v1'.length)
      // A path without a variable part comes first.
      const [template] = templates
        .filter(({ expression }) => expression.test(address))
        .sort((left, right) => left.path.split('{').length - right.path.split('{').length)
      const operation = template && api.paths[template.path]?.[method.toLowerCase()]
      const name = `${method} ${template?.path ?? address}`
      if (template === undefined || operation === undefined) return { operation: name, problems: [`${name}: unknown`] }
      const at = `#/paths/${pointerTo(template.path)}/${method.toLowerCase()}`
      const problems: string[] = []
      const known = (operation.parameters ?? [])
        .map((each) => (each.$ref ? (api.components.parameters[each.$ref.split('/').pop() ?? ''] as Parameter) : each))
        .filter((each) => each.in === 'query')
      for (const key of searchParams.keys())
        if (!known.some((each) => each.name === key)) problems.push(`${name}: no parameter ${key}`)
      const media = operation.requestBody && Object.keys(operation.requestBody.content)[0]
      const isLeftOut = request === null && operation.requestBody?.required !== true
      if (media !== undefined && status < 400 && !isLeftOut)
        problems.push(
          ...problemsOf(validate(`${at}/requestBody/content/${pointerTo(media)}/schema`), `${name} request`, request),
        )
      const response = operation.responses[String(status)]
      if (response === undefined) return { operation: name, problems: [...problems, `${name}: answers no ${status}`] }
      const where = response.$ref ?? `${at}/responses/${status}`
      const content = response.$ref
        ? api.components.responses[response.$ref.split('/').pop() ?? '']?.content
        : response.content
      const [type] = Object.keys(content ?? {})
      if (type !== undefined && !(answer === '' && mayBeEmpty.has(name)))
        problems.push(
          ...problemsOf(validate(`${where}/content/${pointerTo(type)}/schema`), `${name} ${status}`, answer),
        )
      return { operation: name, problems }
    },
    webhookProblems(body) {
      const type = (body as { webhook_type: string }).webhook_type
      const name = api.webhooks[type] ? type : type.replaceAll('.', '_')
      const content = api.webhooks[name]?.post.requestBody?.content
      const [media] = Object.keys(content ?? {})
      if (media === undefined) return [`${type}: unknown`]
      const pointer = `#/webhooks/${name}/post/requestBody/content/${pointerTo(media)}/schema`
      return problemsOf(validate(pointer), type, body)
    },
  }
}

/** A fetch that remembers what went through it. */
export function recordingFetch(heard: Exchange[]): typeof fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const text = await response.clone().text()
    const isJson = response.headers.get('content-type')?.includes('json') === true && text !== ''
    const answer: unknown = isJson ? JSON.parse(text) : text
    heard.push({
      method: init?.method ?? 'GET',
      url: String(input),
      request: typeof init?.body === 'string' ? JSON.parse(init.body) : null,
      status: response.status,
      answer,
    })
    return response
  }
}

function pointerTo(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}
