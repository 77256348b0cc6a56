import { join } from 'node:path'

/** What the example is told by its environment. */
export interface Settings {
  /** Where browsers reach it. */
  readonly origin: string
  /** The SQLite file, and what else is kept over a restart. */
  readonly dataFolder: string
  /** The port of the sandbox, when that is what plays Stripe; 0 for any. */
  readonly sandboxPort: number
  /** Real Stripe; without a key the sandbox plays it. */
  readonly stripe: {
    readonly secretKey: string
    readonly webhookSecret: string
    /** Another address than Stripe's own. */
    readonly apiBase: string | undefined
  } | null
  /** Signs the cookie of the demo sign-in; without one the example makes its own. */
  readonly sessionSecret: string | undefined
}

/** Reads the settings. @throws Error naming what is missing or malformed */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, SESSION_SECRET } = environment
  if (STRIPE_SECRET_KEY && !(STRIPE_WEBHOOK_SECRET && SESSION_SECRET))
    throw new Error('With STRIPE_SECRET_KEY set STRIPE_WEBHOOK_SECRET and SESSION_SECRET too; see README.md.')
  const sandboxPort = environment.SANDBOX_PORT ?? '4242'
  if (!/^\d{1,5}$/.test(sandboxPort) || Number(sandboxPort) > 65_535)
    throw new Error(`SANDBOX_PORT must be 0 to 65535, not ${sandboxPort}.`)
  // Next says in PORT where it listens.
  const origin = environment.PUBLIC_URL ?? `http://127.0.0.1:${environment.PORT ?? '3000'}`
  if (!URL.canParse(origin)) throw new Error(`PUBLIC_URL must be an address, not ${origin}.`)
  return {
    origin: new URL(origin).origin,
    dataFolder: environment.DATA_FOLDER ?? join(process.cwd(), '.billfold'),
    sandboxPort: Number(sandboxPort),
    stripe: STRIPE_SECRET_KEY
      ? {
          secretKey: STRIPE_SECRET_KEY,
          webhookSecret: STRIPE_WEBHOOK_SECRET ?? '',
          apiBase: environment.STRIPE_API_BASE,
        }
      : null,
    sessionSecret: SESSION_SECRET,
  }
}
