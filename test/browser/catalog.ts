import { defineCatalog } from 'billfold'

const limits = (workflows: string, agents: string, storage: string) =>
  ({
    workflows: { included: workflows, limit: workflows },
    agents: { limit: agents },
    storage_gb: { limit: storage },
  }) as const

/** What the pages sell: by the month and by the year, for life, by agreement, and credits. */
export const catalog = defineCatalog({
  meters: {
    ai_tokens: { unit: 'token', rate: { mode: 'by_cost' } },
    workflows: { unit: 'workflow', rate: { mode: 'per_unit', sparks: '250', per: '1' } },
    agents: { unit: 'agent', aggregation: 'level' },
    storage_gb: { unit: 'GB', decimals: 3, aggregation: 'level' },
  },
  models: {
    'claude-sonnet': { input: '3', output: '15' },
    'gpt-large': { input: '2.5', output: '10' },
    'gemini-flash': { input: '0.3', output: '2.5' },
  },
  plans: {
    free: { title: 'Free', meters: limits('5', '1', '2') },
    starter: { title: 'Starter', price: { amount: '29' }, meters: limits('20', '2', '10') },
    pro: { title: 'Pro', price: { amount: '79' }, meters: limits('100', '5', '50') },
    team: { title: 'Team', price: { amount: '199' }, meters: limits('500', '15', '200') },
    pro_yearly: { title: 'Pro', price: { amount: '790', interval: 'year' }, meters: limits('100', '5', '50') },
    team_yearly: { title: 'Team', price: { amount: '1990', interval: 'year' }, meters: limits('500', '15', '200') },
    enterprise: {
      title: 'Enterprise',
      meters: { workflows: { included: 'unlimited' } },
      features: { sso: true },
    },
    lifetime: { title: 'Lifetime', price: { amount: '499', interval: 'once' }, meters: limits('50', '5', '100') },
  },
  packages: {
    small: { title: '250,000 Sparks', price: '10', sparks: '250000' },
  },
})
