import { createClock, type SandboxClock } from './clock.js'
import { createFaults, type Faults } from './faults.js'
import { openJournal } from './journal.js'
import { createLagoTwin, type LagoTwin } from './lago/twin.js'
import type { EventStore } from './lago/world.js'
import type { LangfuseDelays } from './langfuse/rows.js'
import { createLangfuseTwin, type LangfuseTwin } from './langfuse/twin.js'
import { createModelTwin, type ModelKeys, type ModelTwin } from './models/twin.js'
import type { CallLimits } from './stripe/call-limits.js'
import { usualRecovery } from './stripe/payment-retries.js'
import { createStripeTwin, type StripeTwin } from './stripe/twin.js'
import type { PaymentRecovery } from './stripe/world.js'

export interface TwinsOptions {
  readonly dataDir?: string
  readonly now?: () => number
  readonly stripeSecretKey?: string
  readonly meterErrors?: 'refuse' | 'report'
  readonly lago?: { readonly apiKey?: string; readonly hmacKey?: string; readonly eventStore?: EventStore }
  readonly langfuse?: {
    readonly publicKey?: string
    readonly secretKey?: string
    readonly version?: 3 | 4
    readonly delays?: Partial<LangfuseDelays>
  }
  readonly models?: Partial<ModelKeys>
  readonly merchantName?: string
  readonly failedPayments?: Partial<PaymentRecovery>
  readonly meterDelayMs?: number
  readonly limits?: CallLimits
  /** Absolute address of a hosted page. */
  readonly pageUrl: (path: string) => string
}

/** The twins and the state they share; each is a function from Request to Response, whatever carries them. */
export interface Twins {
  readonly stripe: StripeTwin
  readonly langfuse: LangfuseTwin
  readonly lago: LagoTwin
  readonly models: ModelTwin
  readonly clock: SandboxClock
  readonly faults: Faults
  readonly keys: {
    readonly stripe: string
    readonly langfuse: { readonly publicKey: string; readonly secretKey: string }
    readonly lago: { readonly apiKey: string; readonly hmacKey: string }
    readonly models: ModelKeys
  }
  /** Does what is due by the clock. */
  tick(): void
  close(): Promise<void>
}

export function createTwins(options: TwinsOptions): Twins {
  const journal = openJournal(options.dataDir)
  const clock = createClock(journal, options.now)
  const faults = createFaults()
  const keys = {
    stripe: options.stripeSecretKey ?? 'sk_test_sandbox',
    langfuse: {
      publicKey: options.langfuse?.publicKey ?? 'pk-lf-sandbox',
      secretKey: options.langfuse?.secretKey ?? 'sk-lf-sandbox',
    },
    lago: {
      apiKey: options.lago?.apiKey ?? 'lago_sandbox',
      hmacKey: options.lago?.hmacKey ?? 'lago_hmac_sandbox',
    },
    models: {
      openai: 'sk-openai-sandbox',
      anthropic: 'sk-ant-sandbox',
      gemini: 'gemini-sandbox',
      ...options.models,
    },
  }
  const shared = { journal, now: clock.now, fateOf: faults.fateOf }
  const merchantName = options.merchantName ?? 'Sandbox Store'
  const stripe = createStripeTwin({
    ...shared,
    secretKey: keys.stripe,
    pageUrl: options.pageUrl,
    merchantName,
    meterErrors: options.meterErrors ?? 'refuse',
    meterDelayMs: options.meterDelayMs ?? 0,
    limits: options.limits ?? {},
    recovery: { ...usualRecovery, ...options.failedPayments },
  })
  const langfuse = createLangfuseTwin({ ...shared, ...options.langfuse, ...keys.langfuse })
  const lago = createLagoTwin({
    ...shared,
    ...keys.lago,
    pageUrl: options.pageUrl,
    merchantName,
    eventStore: options.lago?.eventStore ?? 'postgres',
  })
  const models = createModelTwin({ keys: keys.models, now: clock.now, fateOf: faults.fateOf })
  return {
    stripe,
    langfuse,
    lago,
    models,
    clock,
    faults,
    keys,
    tick() {
      stripe.tick()
      lago.tick()
    },
    async close() {
      faults.clear()
      models.control.resume()
      await Promise.all([stripe.webhooks.close(), lago.webhooks.close()])
      journal.close()
    },
  }
}
