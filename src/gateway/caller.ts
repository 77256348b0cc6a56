/** Who calls a model, and pays for it. */
export interface GatewayCaller {
  readonly accountId: string
  /** Counts against the budget of that key. */
  readonly apiKeyId?: string
  /** Counts against the budget of that user. */
  readonly userId?: string
}
