import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Who is signed in. */
export interface Session {
  readonly accountId: string
  readonly email: string
}

export const sessionCookieName = 'parrot_session'

/** The account of an e-mail address. In your app: the one of the user that your sign-in found. */
export function sessionOf(email: string): Session {
  const known = email.trim().toLowerCase()
  return { accountId: `acct_${createHash('sha256').update(known).digest('hex').slice(0, 24)}`, email: known }
}

/** A cookie's value: the address, and a signature that only this server can make. */
export function sealSession({ email }: Session, secret: string): string {
  const name = Buffer.from(email).toString('base64url')
  return `${name}.${signatureOf(name, secret)}`
}

/** Whose cookie it is; `null` where it was not made here. */
export function openSession(value: string | undefined, secret: string): Session | null {
  const [name = '', signature = ''] = (value ?? '').split('.')
  const expected = Buffer.from(signatureOf(name, secret))
  const given = Buffer.from(signature)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null
  return sessionOf(Buffer.from(name, 'base64url').toString())
}

/** Whose request it is. */
export function sessionOfRequest(request: Request, secret: string): Session | null {
  const cookies = request.headers.get('cookie') ?? ''
  const value = cookies.split('; ').find((each) => each.startsWith(`${sessionCookieName}=`))
  return openSession(value?.slice(sessionCookieName.length + 1), secret)
}

function signatureOf(name: string, secret: string): string {
  return createHmac('sha256', secret).update(name).digest('base64url')
}
