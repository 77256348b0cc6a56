import type { Request, Response } from 'express'

const name = 'parrot_checkout'
const maxAge = 14 * 24 * 60 * 60 * 1000

/** Remembers in the browser which checkout it began, to say what became of it. In your app: keep it with the account. */
export function rememberCheckout(response: Response, checkoutId: string): void {
  response.cookie(name, checkoutId, { httpOnly: true, sameSite: 'lax', maxAge })
}

/** The checkout that this browser began last. It is only a name: `verifyCheckout` says whose it is, and how it stands. */
export function startedCheckout(request: Request): string | undefined {
  return /(?:^|;\s*)parrot_checkout=([\w-]+)/.exec(request.get('cookie') ?? '')?.[1]
}

export function forgetCheckout(response: Response): void {
  response.clearCookie(name, { httpOnly: true, sameSite: 'lax' })
}
