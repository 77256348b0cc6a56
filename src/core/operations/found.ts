import { BillingError } from '../errors.js'

/** What a provider has, or `null` where it has none: what it says of an id names its objects, which are nobody's business. */
export async function foundOrNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return null
    throw error
  }
}
