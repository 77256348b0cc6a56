import { type App, routesOf } from './app.js'
import { brings, type ServedBilling } from './billing.js'

/** What a document is headed by. */
export interface DocumentTitle {
  readonly title: string
  readonly description: string
}

/** The OpenAPI 3.1 document of the routes that the service can answer. */
export function documentOf(
  app: App,
  billing: ServedBilling,
  { title, description }: DocumentTitle,
): Record<string, unknown> {
  const { paths = {}, ...document } = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: { title, version: '1', description },
    servers: [{ url: '/' }],
  })
  const { schemas } = document.components ?? {}
  return { ...document, components: { schemas, securitySchemes }, paths: withoutMissing(app, billing, paths) }
}

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'A token that the app knows.' },
  cookie: { type: 'apiKey', in: 'cookie', name: 'session', description: 'A session of the app, whatever its name.' },
}

type Paths = Readonly<Record<string, object>>

/** Routes whose verbs no provider brings answer `capability_missing`: nobody is told of them. */
function withoutMissing(app: App, billing: ServedBilling, paths: Paths): Paths {
  const kept = Object.entries(paths).flatMap(([path, operations]) => {
    const there = Object.entries(operations).filter(([method]) => {
      const route = routesOf(app).find((each) => path.endsWith(each.path) && each.method === method)
      if (!route || route.access === 'public') return route !== undefined
      return brings(billing, route.access.needs)
    })
    return there.length === 0 ? [] : [[path, Object.fromEntries(there)] as const]
  })
  return Object.fromEntries(kept)
}

/** The same, in which what many operations may answer is said once. */
export function withSharedAnswers(document: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { paths, components } = document as { readonly paths: Operations; readonly components: object }
  const all = Object.values(paths).flatMap((operations) => {
    return Object.values(operations).flatMap(({ responses }) => Object.entries(responses))
  })
  const known = new Set<string>()
  const shared = new Map<string, string>()
  const responses: Record<string, unknown> = {}
  for (const [status, response] of all) {
    const text = JSON.stringify(response)
    const name = `Problem${status}`
    if (status >= '400' && known.has(text) && !(name in responses)) {
      shared.set(text, `#/components/responses/${name}`)
      responses[name] = response
    }
    known.add(text)
  }
  const shorten = ([status, response]: [string, unknown]) => {
    const $ref = shared.get(JSON.stringify(response))
    return [status, $ref === undefined ? response : { $ref }] as const
  }
  return {
    ...document,
    components: { ...components, responses },
    paths: eachOperation(paths, (operation) => ({
      ...operation,
      responses: Object.fromEntries(Object.entries(operation.responses).map(shorten)),
    })),
  }
}

type Operation = { readonly responses: Readonly<Record<string, unknown>> }
type Operations = Readonly<Record<string, Readonly<Record<string, Operation>>>>

function eachOperation(paths: Operations, change: (operation: Operation) => Operation): Operations {
  const changed = Object.entries(paths).map(([path, operations]) => {
    const own = Object.entries(operations).map(([method, operation]) => [method, change(operation)] as const)
    return [path, Object.fromEntries(own)] as const
  })
  return Object.fromEntries(changed)
}
