import { BillingError } from '../index.js'

/** What is answered in place of figures of an account that is not there. */
export async function orWithoutAccount<T>(reading: Promise<T>, without: T): Promise<T> {
  try {
    return await reading
  } catch (error) {
    if (BillingError.is(error) && error.code === 'not_found') return without
    throw error
  }
}
