import type { Request } from 'express'

/** Whose request it is. In your app: from the session or the API key, never from the body. */
export type AccountOf = (request: Request) => string
