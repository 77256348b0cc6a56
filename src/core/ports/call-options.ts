/** What every call to a provider is given. */
export interface CallOptions {
  /** Makes the call repeatable at the provider, where the provider has such keys. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}
