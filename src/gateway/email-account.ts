/**
 * An e-mail in the one form of all that reach the same mailbox: without what follows a plus, without the dots that Gmail does not see, in
 * lower case, and its domain as it is looked up. What is no such address is as it is.
 */
export function normalizedEmail(email: string): string {
  const text = email.trim().normalize('NFKC').toLowerCase()
  const at = text.lastIndexOf('@')
  const [mailbox = ''] = text.slice(0, at).split('+', 1)
  const name = text.slice(at + 1)
  const host = URL.canParse(`http://${name}`) ? new URL(`http://${name}`).hostname.replace(/\.$/, '') : name
  const isGmail = host === 'gmail.com' || host === 'googlemail.com'
  return isGmail ? `${mailbox.replaceAll('.', '')}@gmail.com` : `${mailbox}@${host}`
}

/** The account of an e-mail: always the same one, so that two requests at once make one account. */
export async function emailAccountId(email: string): Promise<string> {
  const bytes = new TextEncoder().encode(`billfold signup ${normalizedEmail(email)}`)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return `usr_${[...digest.slice(0, 16)].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
