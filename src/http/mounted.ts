/** What a converter takes: the handler of `billfold/http`, or the gateway of `billfold/gateway`. */
export interface MountedHandler {
  (request: Request): Promise<Response>
  /** Where its routes begin. */
  readonly basePath: string
}
