import { type AccountChange, type Balance, type BillingEvent, formatSparks } from '../../index.js'

/** A change as a server-sent event: its name is `balance`, `reset`, or what its type begins with, such as `quota` or `invoice`. */
export function changeFrame(change: AccountChange): string {
  if (change.kind === 'reset') return frame('reset', {})
  if (change.kind === 'balance') return frame('balance', balanceData(change.balance))
  return `id: ${change.cursor}\n${frame(change.event.type.split('.')[0] ?? '', eventData(change.event))}`
}

function frame(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}

function balanceData({ balance, available, held, debt }: Balance): object {
  return {
    credits: formatSparks(balance),
    available_credits: formatSparks(available),
    held_credits: formatSparks(held),
    debt: formatSparks(debt),
  }
}

function eventData({ id, type, occurredAt, data }: BillingEvent): object {
  const facts = Object.entries(data).map(([name, value]) => [snakeCase(name), value])
  return { id, type, occurred_at: new Date(occurredAt).toISOString(), data: Object.fromEntries(facts) }
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
