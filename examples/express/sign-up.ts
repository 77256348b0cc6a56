import { type ParrotBilling, welcomeCredit } from './billing.js'

/** Makes the account and gives the welcome credit; doing it again changes nothing. */
export async function signUp(billing: ParrotBilling, accountId: string) {
  const account = await billing.accounts.ensure({ accountId, email: 'billing@acme.example', name: 'Acme Inc.' })
  const grant = await billing.credits.grant({
    accountId,
    amount: welcomeCredit,
    kind: 'promotional',
    reason: 'Welcome credit',
    idempotencyKey: `welcome-${accountId}`,
  })
  return { account, grant }
}
