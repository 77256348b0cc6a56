import { http, type RequestHandler } from 'msw'
import type { Twins } from './twins.js'

/** Handlers that answer for the real hosts out of the same state; nothing goes over a socket. */
export function createHandlers(twins: Twins): RequestHandler[] {
  const stripe = ({ request }: { request: Request }) => twins.stripe.handle(request, new URL(request.url).pathname)
  const lago = ({ request }: { request: Request }) => twins.lago.handle(request, new URL(request.url).pathname)
  return [
    http.all('https://api.stripe.com/*', stripe),
    http.all('https://meter-events.stripe.com/*', stripe),
    http.all('https://api.getlago.com/*', lago),
    http.all('https://api.eu.getlago.com/*', lago),
    http.all('https://cloud.langfuse.com/*', ({ request }) =>
      twins.langfuse.handle(request, new URL(request.url).pathname),
    ),
  ]
}
