import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Who is signed in. */
export interface Session {
  readonly accountId: string
  readonly email: string
}

/** Tells whose request it is by its `Cookie` header; `null` for somebody who has not signed in. */
export type SessionOf = (cookies: string | null | undefined) => Session | null

export const sessionCookieName = 'parrot_session'

/** The account of an e-mail address. In your app: the one of the user that your sign-in found. */
export function sessionFor(email: string): Session {
  const known = email.trim().toLowerCase()
  return { accountId: `acct_${createHash('sha256').update(known).digest('hex').slice(0, 24)}`, email: known }
}

/** The cookie's value: the address, and a signature that only this server can make. */
export function sealSession({ email }: Session, secret: string): string {
  const name = Buffer.from(email).toString('base64url')
  return `${name}.${signatureOf(name, secret)}`
}

/** Reads cookies that were sealed with this secret, and believes no other. */
export function sessionReader(secret: string): SessionOf {
  return (cookies) => {
    const value = (cookies ?? '').split('; ').find((each) => each.startsWith(`${sessionCookieName}=`))
    const [name = '', signature = ''] = value?.slice(sessionCookieName.length + 1).split('.') ?? []
    const expected = Buffer.from(signatureOf(name, secret))
    const given = Buffer.from(signature)
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
    return sessionFor(Buffer.from(name, 'base64url').toString())
  }
}

function signatureOf(name: string, secret: string): string {
  return createHmac('sha256', secret).update(name).digest('base64url')
}
