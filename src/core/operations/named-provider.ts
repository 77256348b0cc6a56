import { BillingError } from '../errors.js'
import type { AnyProvider } from '../ports/provider.js'

/** Of several that play a part the first, or the one that is named. @throws BillingError `invalid_request`, `capability_missing` */
export function namedProvider<P extends AnyProvider>(
  providers: readonly P[],
  name: string | undefined,
  part: string,
): P {
  const found = name === undefined ? providers[0] : providers.find(({ id }) => id === name)
  if (found) return found
  if (providers.length === 0) throw new BillingError('capability_missing', `No provider plays the part of ${part}.`)
  const named = providers.map(({ id }) => id).join(', ')
  throw new BillingError('invalid_request', `providers.${part} names ${named}, and not ${name}.`, {
    details: { field: 'provider' },
  })
}
