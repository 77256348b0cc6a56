import { z } from '@hono/zod-openapi'
import type { CreatedCheckout, PurchasedPackage } from '../../index.js'
import { BillingError } from '../../index.js'
import { type App, addRoute, type Served } from '../app.js'
import { purchase, purchaseRequest } from '../contract/checkout.js'
import { creditPackage } from '../contract/credit.js'
import { json, jsonBody, problems } from '../contract/fields.js'
import { idempotencyKeyGiven } from '../idempotency-key.js'
import { openCheckout } from '../open-checkout.js'
import { packageJson } from '../wire/credit.js'
import { paymentOutcomeJson } from '../wire/payment.js'
import { isoOrNull } from '../wire/wire.js'

const packagePath = z.strictObject({
  package_id: z.string().openapi({ param: { name: 'package_id', in: 'path' }, example: 'small' }),
})

/** Credits on sale. */
export function addCreditPackageRoutes(app: App, served: Served): void {
  const { billing } = served
  addRoute(
    app,
    served,
    { scope: 'billing:read', account: 'own' },
    {
      method: 'get',
      path: '/credit-packages',
      summary: 'The packages on sale, the cheapest first',
      responses: { 200: json(z.array(creditPackage), 'The packages.'), ...problems },
    },
    async (context) => context.json((await billing.credits.packages.list()).map(packageJson), 200),
  )
  addRoute(
    app,
    served,
    { scope: 'billing:pay', account: 'own', needs: 'createCheckout' },
    {
      method: 'post',
      path: '/credit-packages/{package_id}/purchase',
      summary: 'Buys a package: on a page, or at once with a stored payment method',
      request: { params: packagePath, ...jsonBody(purchaseRequest) },
      responses: { 200: json(purchase, 'How the purchase stands, and what is to be done next.'), ...problems },
    },
    async (context) => {
      const { quantity, payment_method_id: paymentMethodId, ...addresses } = context.req.valid('json')
      const sale = {
        // Looked up in the catalog, which is not known by its names here.
        package: context.req.valid('param').package_id as never,
        ...(quantity === undefined ? {} : { quantity }),
      }
      if (paymentMethodId === undefined)
        return context.json(pageJson(await openCheckout(served, context, addresses, { kind: 'package', ...sale })), 200)
      const { purchase: buy } = billing.credits.packages
      if (!buy) throw new BillingError('capability_missing', 'No provider sells packages here.')
      // Without a key of the caller's this is refused: a repeat would be charged again.
      const { idempotencyKey } = idempotencyKeyGiven(context) as { readonly idempotencyKey: string }
      const { accountId } = context.var
      const bought = await buy({ accountId, ...sale, idempotencyKey, payWith: 'stored_method', paymentMethodId })
      return context.json(purchaseJson(bought), 200)
    },
  )
}

function pageJson({
  id,
  provider,
  url,
  expiresAt,
  instructions,
  externalId,
}: CreatedCheckout): z.output<typeof purchase> {
  const next: NextAction =
    instructions === null
      ? { kind: 'redirect', url, expiresAt }
      : { kind: 'manual', invoiceId: externalId, instructions, url }
  return { checkout_id: id, provider, status: 'open', payment: null, next_action: nextJson(next) }
}

function purchaseJson({ id, provider, status, payment, nextAction }: PurchasedPackage): z.output<typeof purchase> {
  return {
    checkout_id: id,
    provider,
    status,
    payment: payment && paymentOutcomeJson(payment),
    next_action: nextAction && nextJson(nextAction),
  }
}

type NextAction = NonNullable<PurchasedPackage['nextAction']>

function nextJson(next: NextAction): z.output<typeof purchase>['next_action'] {
  if (next.kind === 'redirect') return { type: 'redirect', url: next.url, expires_at: isoOrNull(next.expiresAt) }
  return { type: 'manual', invoice_id: next.invoiceId, instructions: next.instructions, url: next.url }
}
