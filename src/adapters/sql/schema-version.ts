import { BillingError } from '../../core/errors.js'

/** @throws BillingError `schema_version_mismatch` for a schema that is newer than the code, which knows versions up to `known` */
export function refuseNewer(version: number, known: number): void {
  if (version <= known) return
  throw new BillingError(
    'schema_version_mismatch',
    `The database has schema version ${version}, this version of billfold knows ${known}: update billfold.`,
  )
}
