import type { WebhookRequest } from '../../core/ports/capabilities/webhooks.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual, expectError } from '../conformance.js'
import { type ProviderConformanceCase, type ProviderConformanceSubject, unique } from './subject.js'

export function webhookCases(
  webhooks: Capabilities['webhooks'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const unsigned: WebhookRequest = {
    rawBody: new TextEncoder().encode('{"id":"evt_unsigned","type":"checkout.session.completed"}'),
    headers: new Map(),
  }
  const refusal: ProviderConformanceCase = {
    name: 'webhooks: what is not signed is refused',
    needs: 'webhooks',
    run: () => expectError('webhook_signature_invalid', () => webhooks.verify(unsigned, subject.now())),
  }
  const sign = subject.sign?.bind(subject)
  if (sign === undefined) return [refusal]

  const event = (type: string) => subject.event?.(type) ?? JSON.stringify({ id: unique('evt'), type })
  const isIgnored = (type: string): ProviderConformanceCase => ({
    name: `webhooks: an event of type ${type} is accepted and ignored`,
    needs: 'webhooks',
    async run() {
      const verified = await webhooks.verify(await sign(event(type)), subject.now())
      expectEqual((await webhooks.interpret(verified, {})).kind, 'ignored', 'what the event points at')
    },
  })
  return [
    refusal,
    {
      name: 'webhooks: a body that was changed on the way is refused',
      needs: 'webhooks',
      async run() {
        const { headers } = await sign(event('some.event'))
        await expectError('webhook_signature_invalid', () => webhooks.verify({ ...unsigned, headers }, subject.now()))
      },
    },
    {
      name: 'webhooks: a signed body that is no event is refused',
      needs: 'webhooks',
      async run() {
        for (const body of ['{"id":"evt_1"', '[]', 'null', '{"id":1,"type":2}']) {
          const request = await sign(body)
          await expectError('webhook_payload_invalid', () => webhooks.verify(request, subject.now()))
        }
      },
    },
    isIgnored('some.future.event'),
    isIgnored('__proto__'),
    isIgnored('constructor'),
  ]
}
