import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'

it('C7 S3.9 the Hono example draws images for credit, and has the routes of billing', async () => {
  const env = { ...process.env, PORT: '0' }
  const file = 'examples/hono/server.ts'
  const example = spawn(process.execPath, ['--import', 'tsx', file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const [line] = (await once(example.stdout, 'data')) as [Buffer]
    const [, site = '', key = ''] = /(http:\S+), key (\S+)/.exec(line.toString()) ?? []
    const headers = { authorization: `Bearer ${key}` }
    const draw = async (idempotencyKey: string) => {
      const response = await fetch(`${site}/images`, {
        method: 'POST',
        headers: { ...headers, 'idempotency-key': idempotencyKey },
      })
      return [response.status, await response.json()] as const
    }
    expect(await draw('a')).toMatchObject([201, { sparks: '10' }])
    expect(await draw('a')).toMatchObject([409, { code: 'invalid_state' }])
    expect(await draw('b')).toMatchObject([201, { sparks: '10' }])
    expect(await draw('c')).toMatchObject([402, { code: 'insufficient_credits' }])
    expect((await fetch(`${site}/images`, { method: 'POST' })).status).toBe(401)
    const balance = await fetch(`${site}/api/billing/credits/balance`, { headers })
    expect(await balance.json()).toMatchObject({ credits: '5' })
  } finally {
    example.kill()
    expect(await once(example, 'exit')).toEqual([0, null])
  }
}, 60_000)
