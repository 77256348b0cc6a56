import { redirect } from 'next/navigation'
import type { ReactNode } from 'react'
import { currentSession } from '@/server/session'
import { signIn } from './sign-in'

export default async function SignInPage(): Promise<ReactNode> {
  if (await currentSession()) redirect('/playground')
  return (
    <main className="sign-in">
      <h1>Parrot</h1>
      <p>Says things again, for a price. Sign in to use it, run into its limits and pay.</p>
      <form action={signIn}>
        <label htmlFor="email">E-mail</label>
        <input id="email" name="email" type="email" required autoComplete="email" defaultValue="polly@example.com" />
        <button type="submit" className="billfold-button billfold-button-primary">
          Sign in
        </button>
      </form>
      <p className="quiet">A demo: any address will do, and nothing is sent to it.</p>
    </main>
  )
}
