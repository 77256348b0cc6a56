import type { LagoWebhookSender } from './webhook-delivery.js'
import { type LagoWebhook, webhookHolds, webhooks } from './webhooks.js'
import type { LagoWorld } from './world.js'

/** Lago's webhooks by hand: late, in another order, several times or never. Each is known by its unique key. */
export interface LagoWebhookControl {
  /** Every webhook, oldest first, one for each endpoint. */
  emitted(): readonly LagoWebhook[]
  /** Keeps these types (default all) back from now on. */
  hold(types?: readonly string[]): void
  /** Holds nothing more, and sends what was held. */
  release(): void
  /**
   * Sends webhooks now, one after the other in the order given, by their unique keys; naming one several times repeats it. Resolves
   * with the HTTP statuses; 0 stands for no answer.
   */
  deliver(keys: readonly string[]): Promise<readonly number[]>
  /** What was not delivered of these never will be, unless by `deliver`. */
  drop(keys: readonly string[]): void
}

export function createLagoWebhookControl(world: LagoWorld, sender: LagoWebhookSender): LagoWebhookControl {
  return {
    emitted: () => [...webhooks(world).values()],
    hold(types = ['*']) {
      webhookHolds(world).put('hold', { types })
    },
    release() {
      world.journal.commit(() => {
        webhookHolds(world).put('hold', { types: [] })
        for (const webhook of [...webhooks(world).values()])
          if (webhook.state === 'held') webhooks(world).put(webhook.id, { ...webhook, state: 'pending' })
      })
      sender.wake()
    },
    async deliver(keys) {
      const statuses: number[] = []
      for (const key of keys) {
        const webhook = webhooks(world).get(key)
        if (webhook === undefined) throw new Error(`The sandbox sent no webhook ${key}.`)
        statuses.push((await sender.sendNow(webhook)).attempts.at(-1)?.status ?? 0)
      }
      return statuses
    },
    drop(keys) {
      world.journal.commit(() => {
        for (const key of keys) {
          const webhook = webhooks(world).get(key)
          if (webhook?.state !== 'pending' && webhook?.state !== 'held') continue
          webhooks(world).put(key, { ...webhook, state: 'dropped' })
        }
      })
    },
  }
}
