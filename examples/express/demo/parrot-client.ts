/** The example's API, as a customer's program sees it: over HTTP, nothing else. */
export interface ParrotClient {
  readonly url: string
  get<T>(path: string): Promise<T>
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  /** A page, as a browser gets it. */
  page(path: string): Promise<string>
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

export interface QuotaJson {
  readonly status: string
  readonly used: string
  readonly limit: string
}

/** What a completion says of its cost. */
export interface Receipt {
  readonly id: string
  readonly status: 'recorded' | 'duplicate'
  readonly sparks: string
  readonly cost_usd: string | null
  readonly settled_by: Readonly<Record<string, string>>
  readonly balance: string
  readonly quota: QuotaJson
  /** By provider: how far it has come. */
  readonly deliveries: Readonly<Record<string, string>>
}

export interface Refusal {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly remedies: readonly Readonly<Record<string, unknown>>[]
  }
}

export interface BillingJson {
  readonly quota: QuotaJson
  readonly balance: { readonly sparks: string }
  readonly usage: { readonly events: number; readonly sparks: string }
}

export function createParrotClient(url: string): ParrotClient {
  return {
    url,
    async get<T>(path: string) {
      const response = await fetch(`${url}${path}`)
      if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`)
      return (await response.json()) as T
    },
    async post(path, body, headers) {
      const response = await fetch(`${url}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    },
    async page(path) {
      const response = await fetch(new URL(path, url))
      return await response.text()
    },
  }
}
