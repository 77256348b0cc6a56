import { z } from '@hono/zod-openapi'
import { organizationPath } from './contract/fields.js'

/** Where a route about an account is: below the account that it names, and by itself for the caller's own. */
export const places = [
  { path: '/account/{organization_id}', account: 'path', params: organizationPath },
  { path: '', account: 'own', params: z.strictObject({}) },
] as const
