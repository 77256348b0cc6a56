import 'server-only'
import { cookies } from 'next/headers'
import { redirect } from 'next/navigation'
import { parrot } from './parrot'
import { openSession, type Session, sessionCookieName } from './session-cookie'

/** Who asks for a page; `null` for somebody who has not signed in. */
export async function currentSession(): Promise<Session | null> {
  const { sessionSecret } = await parrot()
  return openSession((await cookies()).get(sessionCookieName)?.value, sessionSecret)
}

/** Who asks for a page; whoever has not signed in is sent to do so. */
export async function requireSession(): Promise<Session> {
  return (await currentSession()) ?? redirect('/')
}
