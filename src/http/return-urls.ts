import type { Served } from './app.js'
import { invalidField } from './request-error.js'

/** Where a hosted page leads back to. @throws RequestError `invalid_request` where neither the request nor the app says */
export function returnUrlsOf(
  { returnUrls }: Served,
  request: { readonly success_url?: string | undefined; readonly cancel_url?: string | undefined },
): { readonly successUrl: string; readonly cancelUrl: string } {
  return {
    successUrl: request.success_url ?? returnUrls?.success ?? missing('success_url'),
    cancelUrl: request.cancel_url ?? returnUrls?.cancel ?? missing('cancel_url'),
  }
}

/** Where the portal leads back to. */
export function portalReturnUrl({ returnUrls }: Served, given: string | undefined): string {
  return given ?? returnUrls?.portal ?? returnUrls?.success ?? missing('return_url')
}

function missing(field: string): never {
  throw invalidField(field, 'say where to come back to.')
}
