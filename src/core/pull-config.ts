import type { Catalog, MeterName } from './catalog.js'
import type { CatalogData } from './domain/catalog.js'
import { BillingError } from './errors.js'
import type { TraceObservation } from './ports/capabilities/traces.js'

/** What is made of the traces that `sync.pull` reads. */
export interface PullConfig<C extends Catalog = Catalog> {
  /** The meter of calls of models: their tokens and their cost. Default `ai_tokens`, where the catalog has it. */
  readonly generations?: MeterName<C> | null
  /** The meter of the time that whole traces took, in minutes. Default none. */
  readonly compute?: MeterName<C> | null
  /** Whose it is; default the metadata `billfold_account` or `account`, else the user of the trace. */
  readonly accountOf?: (observation: TraceObservation) => string | null
}

/** The same, every choice made. */
export interface PullRules {
  readonly generations: string | null
  readonly compute: string | null
  accountOf(observation: TraceObservation): string | null
}

/** @throws BillingError `config_invalid` */
export function resolvePull(config: PullConfig = {}, catalog: CatalogData): PullRules {
  for (const part of ['generations', 'compute'] as const) {
    const meter = config[part]
    if (typeof meter === 'string' && !catalog.meters.has(meter))
      throw new BillingError('config_invalid', `pull.${part}: the catalog has no meter ${JSON.stringify(meter)}.`)
  }
  const { generations = catalog.meters.has('ai_tokens') ? 'ai_tokens' : null, compute = null } = config
  return { generations, compute, accountOf: config.accountOf ?? namedAccount }
}

function namedAccount({ metadata, userId }: TraceObservation): string | null {
  return metadata.billfold_account ?? metadata.account ?? userId
}
