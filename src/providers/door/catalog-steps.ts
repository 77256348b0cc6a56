import type { CallOptions } from '../../core/ports/call-options.js'
import type { CatalogCapability, CatalogChange, ProviderCatalog } from '../../core/ports/capabilities/catalog.js'

/** A change, and how it is made. */
export interface CatalogStep {
  readonly change: CatalogChange
  apply(): Promise<string>
}

/** A catalog by the steps that lead to it, which are taken in their order. */
export function catalogBySteps(
  steps: (catalog: ProviderCatalog, options: CallOptions) => Promise<readonly CatalogStep[]>,
): CatalogCapability {
  return {
    async plan(catalog, options) {
      return (await steps(catalog, options)).map(({ change }) => change)
    },
    async apply(catalog, options) {
      const done: CatalogChange[] = []
      for (const { change, apply } of await steps(catalog, options)) done.push({ ...change, externalId: await apply() })
      return done
    },
  }
}
