import { customerOf } from './customers.js'
import { invalid } from './errors.js'
import { paymentLink } from './payment-link.js'
import { noBody, route } from './route.js'
import { emitWebhook } from './webhooks.js'
import { type LagoWorld, newLagoId, tableOf } from './world.js'

/** A link to a hosted page, which is all that is needed to open it. */
export interface PageLink {
  readonly id: string
  readonly kind: 'portal' | 'setup'
  readonly customerId: string
  readonly expiresAtMs: number
}

const hourMs = 3_600_000
const livesMs = { portal: 12 * hourMs, setup: 24 * hourMs } as const

const pageLinks = tableOf<PageLink>('page_links')

export const pageLinkRoutes = [
  route('GET /customers/:customer/portal_url', noBody, ({ world, path }) => {
    const { external_id: id } = customerOf(world, path.customer ?? '')
    return { customer: { portal_url: newLink(world, 'portal', id) } }
  }),
  route('POST /customers/:customer/checkout_url', noBody, ({ world, path }) => {
    const customer = customerOf(world, path.customer ?? '')
    const link = paymentLink(customer)
    if (link === null) throw invalid({ base: ['no_linked_payment_provider'] })
    const checkout = {
      lago_customer_id: customer.lago_id,
      external_customer_id: customer.external_id,
      payment_provider: link.provider,
      payment_provider_code: link.code,
      checkout_url: newLink(world, 'setup', customer.external_id),
    }
    emitWebhook(world, 'customer.checkout_url_generated', 'payment_provider_customer_checkout_url', checkout)
    return { customer: checkout }
  }),
]

/** A link that is still good. */
export function openLink(world: LagoWorld, kind: PageLink['kind'], id: string): PageLink | 'expired' | undefined {
  const link = pageLinks(world).get(id)
  if (link === undefined || link.kind !== kind) return undefined
  return link.expiresAtMs <= world.now() ? 'expired' : link
}

function newLink(world: LagoWorld, kind: PageLink['kind'], customerId: string): string {
  const id = newLagoId()
  pageLinks(world).put(id, { id, kind, customerId, expiresAtMs: world.now() + livesMs[kind] })
  return world.pageUrl(`/lago/${kind}/${id}`)
}
