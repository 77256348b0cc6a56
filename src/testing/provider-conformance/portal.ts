import type { PortalFlow } from '../../core/ports/capabilities/portal.js'
import type { Capabilities } from '../../core/ports/provider.js'
import { expectEqual } from '../conformance.js'
import {
  customerOf,
  dollars,
  type ProviderConformanceCase,
  type ProviderConformanceSubject,
  planPrice,
  unlessUnsupported,
} from './subject.js'

export function portalCases(
  portal: Capabilities['portal'],
  subject: ProviderConformanceSubject,
): readonly ProviderConformanceCase[] {
  const subscribe = subject.subscription?.bind(subject)
  const expectPage = async (customerId: string, flow: PortalFlow | null) => {
    const { url } = await portal.create({ customerId, returnUrl: 'https://app.example/billing', flow }, {})
    expectEqual(URL.canParse(url), true, 'whether the page has an address')
  }
  return [
    {
      name: 'portal: a session has an address',
      needs: 'portal',
      run: async () => expectPage(await customerOf(subject), null),
    },
    {
      name: 'portal: a page for the payment method alone has an address, or is option_unsupported',
      needs: 'portal',
      async run() {
        const customerId = await customerOf(subject)
        await unlessUnsupported(() => expectPage(customerId, { kind: 'update_payment_method' }))
      },
    },
    ...(subscribe === undefined
      ? []
      : (['cancel_subscription', 'change_subscription'] as const).map(
          (kind): ProviderConformanceCase => ({
            name: `portal: a page to ${kind.replace('_', ' a ')} has an address, or is option_unsupported`,
            needs: 'portal',
            async run() {
              const customerId = await customerOf(subject)
              const subscriptionId = await subscribe(customerId, planPrice(dollars(20n)))
              await unlessUnsupported(() => expectPage(customerId, { kind, subscriptionId }))
            },
          }),
        )),
  ]
}
