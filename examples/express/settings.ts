/** What the example is told by its environment. */
export interface Settings {
  readonly port: number
  readonly databasePath: string
  /** Where browsers reach it; without one, the address it listens on. */
  readonly publicUrl: string | undefined
  /** Signs the cookie of the sign-in; without one the server makes its own at each start. */
  readonly sessionSecret: string | undefined
  /**
   * Lets callers say how many tokens a request is charged for, so that the demo can replay real traffic. Never switch it on where
   * customers call: whoever names the counts names the price.
   */
  readonly takesTokenCounts: boolean
  readonly stripe: {
    readonly secretKey: string
    readonly webhookSecret: string
    /** Another address than Stripe's own: the sandbox. */
    readonly apiBase: string | undefined
  }
  /** Who answers what comes through the gateway; without one there is no gateway. */
  readonly upstream: { readonly baseURL: string; readonly apiKey: string } | null
  readonly langfuse: { readonly baseUrl: string; readonly publicKey: string; readonly secretKey: string }
}

const required = ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'LANGFUSE_PUBLIC_KEY', 'LANGFUSE_SECRET_KEY'] as const

/** Reads the settings. @throws Error naming everything that is missing or malformed */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const missing = required.filter((name) => !environment[name])
  if (missing.length > 0) throw new Error(`Set ${missing.join(', ')} in the environment; see README.md.`)
  const { MODEL_BASE_URL, MODEL_API_KEY } = environment
  if (!MODEL_BASE_URL !== !MODEL_API_KEY) throw new Error('Set MODEL_BASE_URL and MODEL_API_KEY, or neither.')
  const port = environment.PORT ?? '3000'
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw new Error(`PORT must be 0 to 65535, not ${port}.`)
  return {
    port: Number(port),
    databasePath: environment.DATABASE_PATH ?? 'billing.db',
    publicUrl: environment.PUBLIC_URL,
    sessionSecret: environment.SESSION_SECRET || undefined,
    takesTokenCounts: environment.TAKE_TOKEN_COUNTS === '1',
    stripe: {
      secretKey: environment.STRIPE_SECRET_KEY ?? '',
      webhookSecret: environment.STRIPE_WEBHOOK_SECRET ?? '',
      apiBase: environment.STRIPE_API_BASE,
    },
    upstream: MODEL_BASE_URL && MODEL_API_KEY ? { baseURL: MODEL_BASE_URL, apiKey: MODEL_API_KEY } : null,
    langfuse: {
      baseUrl: environment.LANGFUSE_BASE_URL ?? 'https://cloud.langfuse.com',
      publicKey: environment.LANGFUSE_PUBLIC_KEY ?? '',
      secretKey: environment.LANGFUSE_SECRET_KEY ?? '',
    },
  }
}
