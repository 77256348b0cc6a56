/** The example's API, as a customer's program sees it: over HTTP, nothing else. */
export interface ParrotClient {
  readonly url: string
  /** Signs up, or in. @returns the account */
  signIn(email: string): Promise<{ readonly id: string; readonly plan: string }>
  standing(): Promise<Standing>
  get<T>(path: string): Promise<T>
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
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

/** How the account stands, put together from the routes of billing. */
export interface Standing {
  readonly quota: QuotaJson
  /** Sparks, as decimal text; below zero where something is owed. */
  readonly balance: string
  readonly usage: { readonly events: number; readonly sparks: string }
}

interface Limits {
  readonly plan: string
  readonly limits: readonly (QuotaJson & { readonly meter: string; readonly included: string | null })[]
}

export function createParrotClient(url: string): ParrotClient {
  let cookie = ''
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(new URL(path, url), { headers: { cookie } })
    if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    url,
    get,
    async signIn(email) {
      const response = await fetch(`${url}/sign-in`, {
        method: 'POST',
        body: new URLSearchParams({ email }),
        redirect: 'manual',
      })
      cookie = response.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
      const { organization_id: id } = await get<{ readonly organization_id: string }>('/api/billing/account')
      const { plan } = await get<Limits>('/api/billing/credits/usage/limits')
      return { id, plan }
    },
    async standing() {
      const [{ limits }, { credits }, usage] = await Promise.all([
        get<Limits>('/api/billing/credits/usage/limits'),
        get<{ readonly credits: string }>('/api/billing/credits/balance'),
        get<Standing['usage']>('/api/billing/usage'),
      ])
      const quota = limits.find(({ meter }) => meter === 'ai_tokens')
      if (!quota) throw new Error('The plan has no limit of ai_tokens.')
      return {
        quota: { ...quota, limit: quota.limit ?? String(quota.included) },
        balance: credits,
        usage,
      }
    },
    async post(path, body, headers) {
      const response = await fetch(new URL(path, url), {
        method: 'POST',
        // As a page of the app would: whoever brings a cookie says where it comes from.
        headers: { 'content-type': 'application/json', cookie, origin: url, ...headers },
        body: JSON.stringify(body),
      })
      return { status: response.status, body: await response.json() }
    },
  }
}
