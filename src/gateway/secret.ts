/** Shorter ones are no keys but words, which servers that ask for no key are given. */
const minimumLength = 16

/** What an upstream answers, without the key that it was asked with, should it say it. */
export function withoutSecret(text: string, secret: string | null): string {
  if (secret === null || secret.length < minimumLength || !text.includes(secret)) return text
  return text.replaceAll(secret, '…')
}
