import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'
import type { CheckoutRequest, VerifiedCheckout } from '../../client/client.js'
import { useBilling, useClient } from '../billing-context.js'
import { type Read, useRead } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** What is bought, without where the page leads back to: that is the provider's setting. */
export type Sale = CheckoutRequest extends infer Request
  ? Request extends unknown
    ? Omit<Request, 'success_url' | 'cancel_url'>
    : never
  : never

const rememberedAt = 'billfold.checkout'

/** Opens a page of the payment provider to buy something, or to give a payment method, and goes there. */
export function useCheckout(organizationId?: string): Write<Sale, { readonly checkout_id: string }> {
  const { navigate, returnUrls } = useBilling()
  const { success, cancel } = returnUrls
  return useWrite(
    {
      async write(client, sale, given) {
        const addresses = { ...(success && { success_url: success }), ...(cancel && { cancel_url: cancel }) }
        const page = await client.checkout.create({ ...sale, ...addresses } as CheckoutRequest, given)
        remember(page.checkout_id)
        navigate(page.checkout_url)
        return page
      },
      changes: [],
    },
    organizationId,
  )
}

/** Opens the page of the provider on which the account is managed, and goes there. */
export function usePortal(organizationId?: string): Write<void, { readonly portal_url: string }> {
  const { navigate, returnUrls } = useBilling()
  return useWrite(
    {
      async write(client) {
        const page = await client.portal(returnUrls.portal ? { return_url: returnUrls.portal } : {})
        navigate(page.portal_url)
        return page
      },
      changes: [],
    },
    organizationId,
  )
}

/**
 * How a checkout stands, asked until it is settled. What it changed is then read anew. Without an id: the one that was begun last in this tab.
 */
export function useCheckoutResult(checkoutId?: string, organizationId?: string): Read<VerifiedCheckout> {
  return useStanding(useCheckoutId(checkoutId) ?? null, { organizationId, isAwaited: true })
}

/** Which checkout a page is about; `null` for none, undefined while a server draws, which does not see what a tab remembers. */
export function useCheckoutId(checkoutId?: string): string | null | undefined {
  const inThisTab = useSyncExternalStore(neverChanges, remembered, notKnown)
  return checkoutId ?? inThisTab
}

const neverChanges = () => () => {}
const notKnown = () => undefined

/** How a checkout stands; with `isAwaited` asked until it is settled. */
export function useStanding(
  id: string | null,
  { organizationId, isAwaited }: { readonly organizationId?: string | undefined; readonly isAwaited: boolean },
): Read<VerifiedCheckout> {
  const queries = useQueryClient()
  const { accountId } = useClient(organizationId)
  const result = useRead((all) => all.checkout(id), {
    organizationId,
    enabled: id !== null,
    refetchInterval: (checkout) => {
      if (checkout === undefined) return 2_000
      return checkout.status === 'processing' || (isAwaited && checkout.status === 'open') ? 2_000 : false
    },
  })
  const isPaid = result.data?.status === 'paid'
  useEffect(() => {
    if (!isPaid) return
    void queries.invalidateQueries({
      predicate: ({ queryKey: key }) => key[0] === 'billing' && key[1] !== 'checkout' && key[2] === accountId,
    })
  }, [isPaid, queries, accountId])
  return result
}

/** The page comes back in the same tab, and not every provider says in its address which checkout it was. */
function remember(id: string): void {
  try {
    sessionStorage.setItem(rememberedAt, id)
  } catch {
    // Storage is off: the page that is come back to is told the id, or says that there is nothing to show.
  }
}

function remembered(): string | null {
  try {
    return sessionStorage.getItem(rememberedAt)
  } catch {
    return null
  }
}
