import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBilling, defineCatalog, type Invoice } from 'billfold'
import { memoryStore } from 'billfold/adapters/memory'
import { pdfRenderer } from 'billfold/adapters/pdf'
import { manualProvider } from 'billfold/providers/manual'
import { afterAll, describe, expect, it } from 'vitest'
import { textRuns } from '../../src/adapters/pdf/text-runs.js'

const folder = mkdtempSync(join(tmpdir(), 'billfold-pdf-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const usd = (cents: bigint) => ({ currency: 'USD', nanos: cents * 10_000_000n })

function invoiceOf(descriptions: readonly string[], change: Partial<Invoice> = {}): Invoice {
  const never = { startsAt: null, endsAt: null }
  return {
    ...({
      externalId: 'inv_1',
      number: 'INV-000007',
      customerId: 'acct_a',
      subscriptionId: null,
      status: 'open',
    } as const),
    ...{ subtotal: usd(1000n), discount: usd(0n), tax: usd(190n), total: usd(1190n), creditsApplied: usd(0n) },
    ...{ amountDue: usd(1190n), amountPaid: usd(0n), description: null, ...never },
    lines: descriptions.map((description) => ({
      ...{ description, quantity: '2', amount: usd(1000n), isProration: false, ...never },
    })),
    taxes: [{ name: 'MwSt.', rate: '19', amount: usd(190n) }],
    ...{ seller: ['Billfold GmbH', 'Straße 1'], buyer: ['Αθηνά Α.Ε.', 'Київ'], url: null, intentId: null },
    ...{ createdAt: Date.UTC(2026, 10, 21), finalizedAt: Date.UTC(2026, 10, 21), dueAt: Date.UTC(2026, 11, 5) },
    ...{ paidAt: null, nextAttemptAt: null },
    ...change,
  }
}

function pagesOf(pdf: Uint8Array): number {
  return (
    Buffer.from(pdf)
      .toString('latin1')
      .match(/\/Type \/Page\b/g)?.length ?? 0
  )
}

function textOf(pdf: Uint8Array): string {
  const file = join(folder, 'invoice.pdf')
  writeFileSync(file, pdf)
  return execFileSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' })
}

const hasReader = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin'].some((path) =>
  existsSync(join(path, 'pdftotext')),
)
const noto = '/usr/share/fonts/truetype/noto'
const cjk = '/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc'
const hasFonts = existsSync(join(noto, 'NotoSansThai-Regular.ttf')) && existsSync(cjk)

describe('the PDF of an invoice', () => {
  it('S3.1 is a PDF, the same bytes for the same invoice, and has as many pages as it takes', async () => {
    const renderer = pdfRenderer()
    const one = await renderer.render(invoiceOf(['Credits']))
    expect(new TextDecoder().decode(one.subarray(0, 5))).toBe('%PDF-')
    expect(Buffer.compare(one, await renderer.render(invoiceOf(['Credits'])))).toBe(0)
    expect(pagesOf(one)).toBe(1)
    const many = await renderer.render(invoiceOf(Array.from({ length: 120 }, (_, index) => `Line ${index}`)))
    expect(pagesOf(many)).toBe(3)
  })

  it('S3.1 a character that no font has is option_unsupported, and named', async () => {
    await expect(pdfRenderer().render(invoiceOf(['فاتورة']))).rejects.toMatchObject({
      code: 'option_unsupported',
      details: { character: 'ف', codePoint: 'U+0641' },
    })
  })

  it.each([
    ['numbers of a line from the right keep their digits', 'שלום 12.50 עולם', ['12.50']],
    ['Arabic digits are no letters', 'ضريبة ١٢٣٫٤٥', ['١٢٣٫٤٥']],
    ['brackets that go leftwards are turned round', '(שלום עולם)', ['(', ')']],
    ['others are not', 'Plan (שלום) x', ['Plan (', ') x']],
    ['marks of direction are not drawn', '\u200f\u2068שלום\u2069\u200e', []],
  ])('S3.1 %s', (_, text, fromLeft) => {
    const runs = textRuns(text, () => 0)
    expect(runs.map((run) => (run.direction === 'ltr' ? run.text : null)).filter(Boolean)).toEqual(fromLeft)
    expect(runs.map(({ text: drawn }) => drawn).join('')).not.toMatch(/[\u200e\u200f\u2066-\u2069]/u)
  })

  it('S3.1 what is no font is config_invalid, and named', async () => {
    const fonts = [{ data: new Uint8Array([1, 2, 3]) }]
    const drawn = pdfRenderer({ fonts }).render(invoiceOf(['Credits']))
    await expect(drawn).rejects.toMatchObject({ code: 'config_invalid', message: expect.stringContaining('fonts[0]') })
  })

  it('S3.1 is drawn with a font of at most 200 kB that ships with its licence', () => {
    expect(statSync('fonts/NotoSans-invoice.ttf').size).toBeLessThanOrEqual(200_000)
    expect(readFileSync('fonts/OFL.txt', 'utf8')).toContain('SIL OPEN FONT LICENSE')
  })

  it.skipIf(!hasReader)('S3.1 says every line, tax, party and sum, and stamps what is paid', async () => {
    const lines = ['Überraschung für Zoë in Łódź', 'Τιμολόγιο για υπηρεσίες νέφους', 'Счёт за облачные услуги, Їжак']
    const many = Array.from({ length: 90 }, (_, index) => `Position no. ${index + 1}`)
    const paid = { status: 'paid', paidAt: Date.UTC(2026, 10, 22), amountPaid: usd(1190n), amountDue: usd(0n) } as const
    const labels = { paid: 'BEZAHLT' }
    const renderer = pdfRenderer({ labels, notes: () => ['Transfer it to DE02 1203 0000 0000 2020 51.'] })
    const text = textOf(await renderer.render(invoiceOf([...lines, ...many], paid)))
    const sums = ['MwSt. 19 %', '1.90 USD', '11.90 USD', '-11.90 USD', '0.00 USD']
    const facts = [
      'INV-000007',
      '2026-11-21',
      '2026-12-05',
      'Billfold GmbH',
      'Straße 1',
      'Αθηνά Α.Ε.',
      'Київ',
      'BEZAHLT',
    ]
    for (const part of [...lines, ...many, ...sums, ...facts, 'DE02 1203 0000 0000 2020 51'])
      expect(text).toContain(part)
    expect(textOf(await pdfRenderer().render(invoiceOf(lines)))).not.toContain('PAID')
  })

  it.skipIf(!hasReader || !hasFonts)(
    'S3.1 is shaped in every script that a font was given for',
    { timeout: 60_000 },
    async () => {
      const fonts = ['Arabic', 'Devanagari', 'Thai'].map((script) => ({
        data: readFileSync(join(noto, `NotoSans${script}-Regular.ttf`)),
      }))
      const chinese = { data: readFileSync(cjk), name: 'NotoSansCJKsc-Regular' }
      const lines = [
        'خدمات الحوسبة السحابية',
        '١٢٣٫٤٥',
        'क्लाउड सेवाओं के लिए चालान प्रति माह',
        'ใบแจ้งหนี้สำหรับบริการคลาวด์',
        '云服务发票，按月结算',
      ]
      const pdf = await pdfRenderer({ fonts: [...fonts, chinese] }).render(invoiceOf(lines))
      const text = textOf(pdf).replace(/[\u200e\u200f\u202a-\u202e]/g, '')
      for (const line of lines) expect(text).toContain(line)
    },
  )

  it.skipIf(!hasReader)('S3.1 a word that is longer than its line is broken, and none of it is lost', async () => {
    const word = 'abcdefghij'.repeat(30)
    const text = textOf(await pdfRenderer().render(invoiceOf([word])))
    const found = text.match(/[a-j]{5,}/g)?.join('')
    expect(found).toBe(word)
  })

  it('S3.1 invoices.pdf answers bytes where the provider draws none, and refuses drafts', async () => {
    const store = memoryStore()
    const billing = createBilling({
      catalog: defineCatalog({ plans: { free: {} }, packages: { starter: { price: '20', sparks: '500000' } } }),
      store,
      providers: { default: manualProvider({ store, instructions: 'Transfer it.' }) },
      redirects: { allowedOrigins: ['https://app.example.com'] },
      invoiceRenderer: pdfRenderer(),
    })
    const accountId = 'acct_a'
    for (const id of [accountId, 'acct_b']) await billing.accounts.ensure({ accountId: id })
    const pages = { successUrl: '/ok', cancelUrl: '/no' }
    const sold = await billing.createCheckout({ accountId, kind: 'package', package: 'starter', ...pages })
    const pdf = await billing.invoices.pdf({ accountId, id: sold.externalId })
    expect(pdf.status === 'rendered' && pagesOf(pdf.bytes)).toBe(1)
    const foreign = billing.invoices.pdf({ accountId: 'acct_b', id: sold.externalId })
    await expect(foreign).rejects.toMatchObject({ code: 'not_found' })
    await billing.close()
  })
})
