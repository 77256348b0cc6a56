import { defineCatalog } from 'billfold'
import { genaiPrices } from 'billfold/prices'

/** The meters of an app in which people run workflows of agents that ask language models. */
const meters = {
  /** Runs of a month, each within its limit; a plan includes all it allows, so that they cost no credits. */
  workflows: { unit: 'workflow', rate: { mode: 'per_unit', sparks: '250', per: '1' } },
  /** How many there are at the moment: limited, and not charged. */
  agents: { unit: 'agent', aggregation: 'level' },
  storage_gb: { unit: 'GB', decimals: 3, aggregation: 'level' },
  /** What the models cost, with a margin; paid with credits. */
  ai_tokens: { unit: 'token', rate: { mode: 'by_cost' } },
} as const

/** Workflows a month, agents and gigabytes at a time. */
function limits(workflows: string, agents: string, storage: string) {
  return {
    workflows: { included: workflows, limit: workflows },
    agents: { limit: agents },
    storage_gb: { limit: storage },
  } as const
}

const unlimited = { workflows: { included: 'unlimited' } } as const

/** Seven tiers, and credits in packages. */
export const catalog = defineCatalog({
  meters,
  prices: genaiPrices(),
  plans: {
    free: { title: 'Free', meters: limits('5', '1', '2') },
    starter: { title: 'Starter', price: { amount: '29' }, meters: limits('20', '2', '10') },
    pro: { title: 'Pro', price: { amount: '79', trialDays: 14 }, meters: limits('100', '5', '50') },
    team: { title: 'Team', price: { amount: '199' }, meters: limits('500', '15', '200') },
    /** Its price is agreed with each customer: `accounts.update({ terms })` has what differs. */
    enterprise: { title: 'Enterprise', meters: unlimited, features: { sso: true } },
    lifetime: { title: 'Lifetime', price: { amount: '499', interval: 'once' }, meters: limits('50', '5', '100') },
    /** Brings keys of its own: what the models cost is between the customer and their provider. */
    byo: {
      title: 'Bring your own keys',
      price: { amount: '19' },
      byo: true,
      meters: { ...unlimited, storage_gb: { limit: '50' } },
    },
  },
  packages: {
    small: { title: '250,000 Sparks', price: '10', sparks: '250000' },
    large: { title: '1,500,000 Sparks', price: '50', sparks: '1500000' },
  },
})
