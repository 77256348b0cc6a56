'use server'

import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import { welcomeCredit } from '@/server/catalog'
import { parrot } from '@/server/parrot'
import { sealSession, sessionCookieName, sessionOf } from '@/server/session-cookie'

/** Takes whoever gives an address for the person it belongs to: this is a demo. */
export async function signIn(form: FormData): Promise<void> {
  const email = String(form.get('email') ?? '')
  if (email.length > 254 || !/^[^@\s]+@[^@\s]+$/.test(email)) redirect('/')
  const { billing, sessionSecret, origin } = await parrot()
  const session = sessionOf(email)
  const { accountId } = session
  await billing.accounts.ensure({ accountId, email: session.email })
  // Once: a repeat under the same key gives nothing.
  await billing.credits.grant({
    accountId,
    amount: welcomeCredit,
    kind: 'promotional',
    reason: 'Welcome credit',
    idempotencyKey: `welcome-${accountId}`,
  })
  const jar = await cookies()
  jar.set(sessionCookieName, sealSession(session, sessionSecret), {
    httpOnly: true,
    // The way back from Stripe's page is a link of another site: it has to bring the cookie along.
    sameSite: 'lax',
    secure: origin.startsWith('https:'),
    path: '/',
    maxAge: 30 * 24 * 60 * 60,
  })
  redirect('/playground')
}

export async function signOut(): Promise<void> {
  const jar = await cookies()
  jar.delete(sessionCookieName)
  redirect('/')
}
