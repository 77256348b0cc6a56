import { toNext } from 'billfold/http/next'
import { parrot } from '@/server/parrot'

/** All routes of billing, Stripe's webhooks at `webhooks/stripe` among them. */
async function handle(request: Request): Promise<Response> {
  const { handler } = await parrot()
  return handler(request)
}

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = toNext(
  Object.assign(handle, { basePath: '/api/billing' }),
)
