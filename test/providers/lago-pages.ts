/** Pays on the payment service's page, as a customer does. */
export async function payPage(url: string, card = '4242424242424242'): Promise<void> {
  await fetch(url, { method: 'POST', body: new URLSearchParams({ card }) })
}
