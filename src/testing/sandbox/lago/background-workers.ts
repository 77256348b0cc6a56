import type { BackgroundWorkers } from './background.js'
import { settleRefund } from './credit-notes.js'
import { collect, settlePayment } from './invoice-collection.js'
import { generatePdf } from './invoice-pdf.js'

export const backgroundWorkers: BackgroundWorkers = {
  generate_pdf: (world, { subject }) => generatePdf(world, subject),
  collect: (world, { subject, detail }) => collect(world, subject, { methodId: detail }),
  settle_payment: (world, { subject }) => settlePayment(world, subject),
  settle_refund: (world, { subject }) => settleRefund(world, subject),
}
