import { consolePage } from './console.js'
import { handleControl } from './control.js'
import type { SandboxFault } from './faults.js'
import { handleLagoPage, isLagoPage } from './lago/pages.js'
import type { LagoWebhookControl } from './lago/webhook-control.js'
import type { ModelControl, ModelKeys } from './models/twin.js'
import { messagePage, toConsole } from './page.js'
import { serveLoopback } from './serve.js'
import { handleAuthenticationPage } from './stripe/authentication-page.js'
import { handleCheckoutPage } from './stripe/checkout-page.js'
import { handleInvoicePage } from './stripe/invoice-page.js'
import { handlePortalPage } from './stripe/portal-page.js'
import { handleReceiptPage } from './stripe/receipt-page.js'
import { handleStripeJs } from './stripe/stripe-js.js'
import type { WebhookControl } from './stripe/webhook-control.js'
import { createTwins, type Twins } from './twins.js'

/** How the sandbox is started. */
export interface SandboxOptions {
  /** Folder of the durable journal; without it state lives in memory only. */
  readonly dataDir?: string
  /** Port to listen on (loopback). Default 0: a free one; give a fixed one to restart at the same address. */
  readonly port?: number
  /** Clock in milliseconds since the epoch; default the system clock. What `advance` added comes on top. */
  readonly now?: () => number
  /** Secret API key the Stripe twin accepts; default `sk_test_sandbox`. */
  readonly stripeSecretKey?: string
  /**
   * Key of the Lago twin (default `lago_sandbox`), its key for webhooks signed by HMAC (default `lago_hmac_sandbox`), and where it keeps
   * events: `postgres` (default) refuses an event that it has, `clickhouse` takes it again.
   */
  readonly lago?: {
    readonly apiKey?: string
    readonly hmacKey?: string
    readonly eventStore?: 'postgres' | 'clickhouse'
  }
  readonly langfuse?: {
    /** Default `pk-lf-sandbox` and `sk-lf-sandbox`. */
    readonly publicKey?: string
    readonly secretKey?: string
    /** Default 4; with 3 observations are read by the legacy API, and only by it. */
    readonly version?: 3 | 4
    /** How long what is written takes until it can be read, and until the row before it is gone; default 0. */
    readonly delays?: { readonly readMs?: number; readonly mergeMs?: number }
  }
  /** Keys the model twin takes; default `sk-openai-sandbox`, `sk-ant-sandbox` and `gemini-sandbox`. */
  readonly models?: Partial<ModelKeys>
  /** Merchant name on hosted pages. */
  readonly merchantName?: string
  /**
   * A meter event that cannot be billed (unknown meter or customer, bad value or time): refused at once (default), or
   * accepted and only reported. Stripe may do either.
   */
  readonly meterErrors?: 'refuse' | 'report'
  /** How long a meter event is on its way until it is counted, or reported as an error; default 0. */
  readonly meterDelayMs?: number
  /** How many calls the Stripe twin takes in a second of its clock before it answers 429; default any number. */
  readonly limits?: { readonly requestsPerSecond?: number; readonly meterEventsPerSecond?: number }
  /**
   * Days after the first attempt on which a failed charge for a subscription is tried again (default 1, 3, 5, 7, 9, 11 and
   * 14), and what becomes of the subscription after the last one (default `cancel`).
   */
  readonly failedPayments?: {
    readonly retryDays?: readonly number[]
    readonly afterwards?: 'cancel' | 'unpaid' | 'past_due'
  }
}

/** A running sandbox: twins of Stripe, Langfuse, Lago and of model vendors on loopback. */
export interface Sandbox {
  /** Where it listens; open it in a browser to see what happened. */
  readonly url: string
  /** The twin of Stripe.js: a script for pages, in the place of Stripe's own. */
  readonly stripeJsUrl: string
  /** For `new Stripe(apiKey, { host, port, protocol, telemetry: false })`. */
  readonly stripe: {
    readonly host: '127.0.0.1'
    readonly port: number
    readonly protocol: 'http'
    readonly apiKey: string
  }
  readonly langfuse: { readonly baseUrl: string; readonly publicKey: string; readonly secretKey: string }
  /** For `Client(apiKey, { baseUrl })`. */
  readonly lago: {
    readonly baseUrl: string
    readonly apiKey: string
    /** The organization's key for webhooks signed by HMAC. */
    readonly hmacKey: string
    /** Lago's webhooks by hand: late, in another order, several times or never. */
    readonly webhooks: LagoWebhookControl
  }
  /** Model vendors: for `new OpenAI({ baseURL, apiKey })`, `new Anthropic({ baseURL, apiKey })` and Gemini's OpenAI-compatible route. */
  readonly models: ModelControl & {
    readonly openai: { readonly baseURL: string; readonly apiKey: string }
    readonly anthropic: { readonly baseURL: string; readonly apiKey: string }
    readonly gemini: { readonly baseURL: string; readonly openaiURL: string; readonly apiKey: string }
  }
  /** Moves the clock; what falls due happens at once. */
  advance(ms: number): void
  readonly faults: {
    /** Makes matching requests fail from now on. */
    inject(fault: SandboxFault): void
    /** Ends all faults. */
    clear(): void
  }
  /** Stripe webhooks by hand: late, in another order, several times or never. */
  readonly webhooks: WebhookControl
  /** Waits until every webhook that is due has been tried. */
  flushWebhooks(): Promise<void>
  /**
   * msw handlers for the providers' real hosts, backed by the same state. msw is optional, so its type is not named here; and its
   * class has private members, so no other type would fit: name it, or leave `any`.
   *
   * @example setupServer(...(await box.handlers()))
   * @example const handlers = await box.handlers<RequestHandler>()
   */
  // biome-ignore lint/suspicious/noExplicitAny: see above
  handlers<Handler = any>(): Promise<Handler[]>
  /** Stops listening and lets go of the journal. */
  close(): Promise<void>
}

const tickMs = 200

/**
 * Starts stateful twins of Stripe, Langfuse and Lago, and of model vendors, on the loopback interface; the official SDKs work against them.
 *
 * With `dataDir`, whatever was answered survives even a killed process.
 *
 * @example
 * const box = await sandbox()
 * const stripe = new Stripe(box.stripe.apiKey, { host: box.stripe.host, port: box.stripe.port, protocol: 'http', telemetry: false })
 */
export async function sandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  let url = ''
  const { port = 0, ...rest } = options
  const twins = createTwins({ ...rest, pageUrl: (path) => `${url}${path}` })
  const server = await serveLoopback(port, (request) => dispatch(twins, request)).catch(async (error: unknown) => {
    await twins.close()
    throw error
  })
  url = `http://127.0.0.1:${server.port}`
  twins.tick()
  const timer = setInterval(twins.tick, tickMs)
  timer.unref()
  return {
    url,
    stripeJsUrl: `${url}/stripe-js/v3`,
    stripe: { host: '127.0.0.1', port: server.port, protocol: 'http', apiKey: twins.keys.stripe },
    langfuse: { baseUrl: `${url}/langfuse`, ...twins.keys.langfuse },
    lago: { baseUrl: `${url}/lago/api/v1`, ...twins.keys.lago, webhooks: twins.lago.control },
    models: {
      ...twins.models.control,
      openai: { baseURL: `${url}/models/openai/v1`, apiKey: twins.keys.models.openai },
      anthropic: { baseURL: `${url}/models/anthropic`, apiKey: twins.keys.models.anthropic },
      gemini: {
        baseURL: `${url}/models/gemini`,
        openaiURL: `${url}/models/gemini/v1beta/openai`,
        apiKey: twins.keys.models.gemini,
      },
    },
    advance(ms) {
      twins.clock.advance(ms)
      twins.tick()
    },
    faults: twins.faults,
    webhooks: twins.stripe.control,
    async flushWebhooks() {
      await Promise.all([twins.stripe.webhooks.flush(), twins.lago.webhooks.flush()])
    },
    handlers: async <Handler>() => (await import('./msw.js')).createHandlers(twins) as Handler[],
    async close() {
      clearInterval(timer)
      twins.faults.clear()
      twins.models.control.resume()
      await server.close()
      await twins.close()
    },
  }
}

function dispatch(twins: Twins, request: Request): Promise<Response> {
  const path = new URL(request.url).pathname
  if (path.startsWith('/v1/') || path.startsWith('/v2/')) return twins.stripe.handle(request, path)
  if (path.startsWith('/langfuse/')) return twins.langfuse.handle(request, path.slice('/langfuse'.length))
  if (path.startsWith('/models/')) return twins.models.handle(request, path.slice('/models'.length))
  if (isLagoPage(path)) return handleLagoPage(twins.lago, request, path)
  if (path.startsWith('/lago/')) return twins.lago.handle(request, path.slice('/lago'.length))
  if (path.startsWith('/stripe-js/')) return handleStripeJs(twins.stripe, twins.keys.stripe, request)
  if (path.startsWith('/checkout/')) return handleCheckoutPage(twins.stripe, request, path)
  if (path.startsWith('/authenticate/')) return handleAuthenticationPage(twins.stripe, request, path)
  if (path.startsWith('/portal/')) return handlePortalPage(twins.stripe, request, path)
  if (path.startsWith('/receipt/')) return handleReceiptPage(twins.stripe, request, path)
  if (path.startsWith('/invoice/')) return handleInvoicePage(twins.stripe, request, path)
  if (path.startsWith('/_sandbox/')) return handleControl(twins, request, path)
  if (path === '/') return consolePage(twins)
  return messagePage('Nothing here', 'The sandbox has no such page.', 404, toConsole)
}
