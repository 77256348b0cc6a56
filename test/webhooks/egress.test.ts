import type { LookupFunction } from 'node:net'
import { createBilling, defineCatalog } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { sendWebhooks } from 'billfold/webhooks'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEgress, isPublicAddress } from '../../src/webhooks/egress.js'
import { post } from '../../src/webhooks/post.js'
import { openReceiver } from './receiver.js'

let receiver: Awaited<ReturnType<typeof openReceiver>>
beforeAll(async () => {
  receiver = await openReceiver()
})
afterAll(() => receiver.close())

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const portOf = () => receiver.host.split(':')[1]

/** Answers each look-up with the next of these addresses. */
function lookups(...answers: readonly (readonly string[])[]): LookupFunction & { asked: number } {
  const lookup = ((_name, _options, callback) => {
    const addresses = answers[Math.min(lookup.asked, answers.length - 1)] ?? []
    lookup.asked += 1
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    ;(callback as (error: null, found: readonly object[]) => void)(null, found)
  }) as LookupFunction & { asked: number }
  lookup.asked = 0
  return lookup
}

const sent = (egress: ReturnType<typeof createEgress>, url: URL, timeoutMs = 5_000) =>
  post(egress, { url, headers: {}, body: '{}', timeoutMs, signal: new AbortController().signal })

describe('S26 where webhooks may go', () => {
  it.each([
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
    ],
    ...[
      '224.0.0.1',
      '255.255.255.255',
      '198.18.0.1',
      '203.0.113.7',
      '::',
      '::1',
      'fe80::1',
      'fd00:ec2::254',
      'ff02::1',
    ],
    ...[
      '::ffff:127.0.0.1',
      '::ffff:8.8.8.8',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001::1',
      '2001:db8::1',
      'example.com',
      '',
    ],
  ])('S26 %s is not a public address', (address) => expect(isPublicAddress(address)).toBe(false))

  it.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450:4001:800::200e'])(
    'S26 %s is a public address',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  it.each([
    ...['http://example.com/', 'https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://[::1]/'],
    ...[
      'https://[::ffff:7f00:1]/',
      'https://169.254.169.254/latest',
      'https://user:pass@example.com/',
      'ftp://example.com/',
    ],
    ...['file:///etc/passwd', 'not a url', ''],
  ])('S26 %s is refused before anything is sent', (url) => {
    const billing = createBilling({ catalog: defineCatalog({ plans: { free: {} } }), store: memoryStore() })
    const add = () => sendWebhooks(billing, { endpoints: [{ id: 'app', url, secrets: [secret] }] })
    expect(add).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  it('S26 a name that leads to an address of the house is not connected to, whatever it led to before', async () => {
    const lookup = lookups(['8.8.8.8'], ['127.0.0.1'])
    const egress = createEgress({ lookup })
    const url = new URL(`https://rebinding.example:${portOf()}/`)
    egress.check('app', url.href)
    const look = (all: boolean) =>
      new Promise((resolve) => egress.lookupFor(url)('rebinding.example', { all }, (...answer) => resolve(answer)))
    expect(await look(false)).toEqual([null, '8.8.8.8', 4])
    await expect(sent(egress, url)).rejects.toThrow(
      'its name leads to an address that is not one of the public internet',
    )
    expect(lookup.asked).toBe(2)
    expect(receiver.received).toEqual([])
  })

  it('S26 a name that leads to a public address and to one of the house is not connected to', async () => {
    const egress = createEgress({ lookup: lookups(['8.8.8.8', '127.0.0.1']) })
    const url = new URL(`https://two.example:${portOf()}/`)
    await expect(sent(egress, url)).rejects.toThrow('not one of the public internet')
    expect(receiver.received).toEqual([])
  })

  it('S26 what is allowed is one host at one port', async () => {
    const egress = createEgress({ allow: [receiver.host] })
    expect(egress.check('app', receiver.url).host).toBe(receiver.host)
    expect(() => egress.check('app', 'http://127.0.0.1:1/')).toThrow('must be https')
    expect(() => egress.check('app', `http://localhost:${portOf()}/`)).toThrow('must be https')
  })

  it('S26 no redirect is followed, an endpoint that does not answer is left in time, and an endless answer is not read', async () => {
    const egress = createEgress({ allow: [receiver.host] })
    const url = new URL(receiver.url)
    receiver.answer((_, response) => void response.writeHead(302, { location: `${receiver.url}/other` }).end())
    await expect(sent(egress, url)).rejects.toThrow('the endpoint answered 302')
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hooks'])
    receiver.answer((_, response) => {
      response.socket?.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')
    })
    await expect(sent(egress, url)).rejects.toThrow('the endpoint answered 101')
    receiver.answer(() => {})
    await expect(sent(egress, url, 50)).rejects.toThrow('the endpoint did not answer in time')
    let closed: Promise<void> | undefined
    receiver.answer((_, response) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      response.writeHead(200)
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
      }
      response.on('drain', write)
      write()
    })
    await sent(egress, url)
    await closed
  })
})

describe('C5 what an endpoint may be', () => {
  const billing = createBilling({ catalog: defineCatalog({ plans: { free: {} } }), store: memoryStore() })
  const endpoint = { id: 'app', url: 'https://hooks.example/', secrets: [secret] }

  it.each<[string, unknown]>([
    ['no secret', { ...endpoint, secrets: [] }],
    ['a secret that is no base64', { ...endpoint, secrets: ['whsec_!!!'] }],
    ['a short secret', { ...endpoint, secrets: ['whsec_c2hvcnQ='] }],
    ['a secret of Stripe', { ...endpoint, secrets: ['sk_live_0123456789'] }],
    ['a name with other letters', { ...endpoint, id: 'App' }],
    ['no types', { ...endpoint, types: [] }],
    ['a type that there is not', { ...endpoint, types: ['invoice.eaten'] }],
    ['a type that is the house’s own', { ...endpoint, types: ['operator.acted'] }],
  ])('G24 %s is refused, and the secret is not in the error', (_, given) => {
    const add = () => sendWebhooks(billing, { endpoints: [given as typeof endpoint] })
    expect(add).toThrow(expect.objectContaining({ code: 'config_invalid' }))
    try {
      add()
    } catch (error) {
      expect(String(error)).not.toMatch(/!!!|c2hvcnQ|0123456789/)
    }
  })

  it('G24 two endpoints of one name are refused, and none of them is told', async () => {
    expect(() => sendWebhooks(billing, { endpoints: [endpoint, endpoint] })).toThrow('must be named once')
    expect((await billing.sync.status()).deliveries).toEqual([])
  })
})
