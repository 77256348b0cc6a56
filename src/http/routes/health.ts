import { type App, addPublicRoute, type Served } from '../app.js'
import { json, wrong } from '../contract/fields.js'
import { health } from '../contract/health.js'

/** What whoever watches a process asks: whether it answers at all, and whether it can do its work. They are told nothing else. */
export function addHealthRoutes(app: App, { billing }: Served): void {
  addPublicRoute(
    app,
    {
      method: 'get',
      path: '/health',
      summary: 'Whether the process answers',
      responses: { 200: json(health, 'It does.') },
    },
    (context) => context.json({ status: 'ok' } as const, 200),
  )
  addPublicRoute(
    app,
    {
      method: 'get',
      path: '/ready',
      summary: 'Whether the store can be reached',
      responses: { 200: json(health, 'It can.'), 503: wrong('It cannot: send requests elsewhere.') },
    },
    async (context) => {
      await billing.health()
      return context.json({ status: 'ok' } as const, 200)
    },
  )
}
