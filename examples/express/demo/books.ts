/** Where the sandbox is, as it says itself. */
export interface SandboxAddress {
  readonly url: string
  readonly stripe: { readonly apiKey: string }
  readonly langfuse: { readonly baseUrl: string; readonly publicKey: string; readonly secretKey: string }
  readonly models: { readonly openai: { readonly baseURL: string; readonly apiKey: string } }
}

/** What Stripe's twin has counted on a meter: the sum as decimal text, and of how many events. */
export async function readMeterTotal(sandbox: SandboxAddress, eventName: string) {
  const response = await fetch(`${sandbox.url}/_sandbox/stripe/meters/${eventName}/total`)
  return (await response.json()) as { readonly sum: string; readonly count: number }
}

/** A generation as Langfuse shows it; the cost is the digits that were sent. */
export interface Generation {
  readonly traceId: string
  readonly totalCost: string
  readonly metadata: { readonly billfold_usage_id: string }
}

/** Every generation of a user, through Langfuse's public API. */
export async function readGenerations({ langfuse }: SandboxAddress, userId: string): Promise<readonly Generation[]> {
  const authorization = `Basic ${btoa(`${langfuse.publicKey}:${langfuse.secretKey}`)}`
  const found: Generation[] = []
  let cursor: string | undefined
  do {
    const query = new URLSearchParams({ type: 'GENERATION', userId, fields: 'core,metadata,usage', limit: '1000' })
    if (cursor !== undefined) query.set('cursor', cursor)
    const response = await fetch(`${langfuse.baseUrl}/api/public/v2/observations?${query}`, {
      headers: { authorization },
    })
    // A JSON number would become a float: it is read as the text that it is.
    const text = (await response.text()).replace(/"totalCost":\s*([-+.\deE]+)/g, '"totalCost":"$1"')
    const page = JSON.parse(text) as {
      readonly data: readonly Generation[]
      readonly meta: { readonly cursor?: string }
    }
    found.push(...page.data)
    cursor = page.meta.cursor
  } while (cursor !== undefined)
  return found
}

/** Makes the sandbox send the webhook of a paid checkout again. @returns how often it was delivered by then */
export async function resendCheckoutWebhook(sandbox: SandboxAddress): Promise<number> {
  const isPaid = ({ type }: SandboxEvent) => type === 'checkout.session.completed'
  const control = async (path: string, method: 'GET' | 'POST') => {
    const response = await fetch(`${sandbox.url}/_sandbox/${path}`, { method })
    return (await response.json()) as { readonly data: readonly SandboxEvent[] }
  }
  const before = await control('events', 'GET')
  for (const { id } of before.data.filter(isPaid)) await control(`webhooks/${id}/resend`, 'POST')
  const after = await control('webhooks/flush', 'POST')
  return after.data.filter(isPaid).flatMap((event) => event.deliveries.filter(({ state }) => state === 'delivered'))
    .length
}

interface SandboxEvent {
  readonly id: string
  readonly type: string
  readonly deliveries: readonly { readonly state: string }[]
}
