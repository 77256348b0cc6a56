import { type ReactNode, useState } from 'react'
import type { Invoice } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { save } from '../download.js'
import { usePortal } from '../hooks/use-checkout.js'
import { useInvoicePdf, usePayInvoice } from '../hooks/use-invoices.js'
import { Button } from '../primitives/button.js'
import { Confirm } from '../primitives/dialog.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { useToast } from '../primitives/toast.js'

/** What can be done about an invoice in its state: pay it, mend what it is paid with, fetch it. */
export function InvoiceActions({ invoice }: { readonly invoice: Invoice }): ReactNode {
  const { text, format, access } = useBilling()
  const toast = useToast()
  const [isPaying, setPaying] = useState(false)
  const pay = usePayInvoice()
  const pdf = useInvoicePdf()
  const portal = usePortal()
  const { actions, status } = invoice
  const number = invoice.invoice_number ?? invoice.id
  const amount = format.money(invoice.amount_due, invoice.currency)
  return (
    <span className="billfold-actions">
      {access.manage && actions.includes('update_payment_method') && (
        <Button variant="quiet" isBusy={portal.isPending} onClick={() => portal.mutate()}>
          {text('invoices.updateMethod')}
        </Button>
      )}
      {access.pay && actions.includes('pay') && (
        <Button variant="primary" aria-label={text('invoices.payOf', { number })} onClick={() => setPaying(true)}>
          {text('invoices.pay')}
        </Button>
      )}
      {actions.includes('download') && (
        <Button
          variant="quiet"
          icon="download"
          isBusy={pdf.isPending}
          aria-label={text(status === 'paid' ? 'invoices.receiptOf' : 'invoices.downloadOf', { number })}
          onClick={() => pdf.mutate(invoice.id, { onSuccess: (file) => save(file, `${number}.pdf`) })}
        >
          {text(status === 'paid' ? 'invoices.receipt' : 'invoices.download')}
        </Button>
      )}
      {(pdf.error ?? portal.error) && <ProblemNotice problem={(pdf.error ?? portal.error) as never} />}
      {isPaying && (
        <Confirm
          title={text('invoices.payTitle', { number })}
          confirm={text('invoices.payConfirm', { amount })}
          isBusy={pay.isPending}
          problem={pay.error}
          onClose={() => {
            setPaying(false)
            pay.reset()
          }}
          onConfirm={() =>
            pay.mutate(invoice.id, {
              onSuccess: (after) => {
                // A bank that declined, or that takes its time: what to do about it stands where it was asked for.
                if (after.paid_at === null) return
                setPaying(false)
                toast(text('invoices.paid', { number }))
              },
            })
          }
        >
          <p>{text('invoices.payText', { amount })}</p>
          {pay.data?.paid_at === null && (
            <p className="billfold-notice billfold-tone-danger" role="alert">
              {text('invoices.notPaid', { number })}
            </p>
          )}
        </Confirm>
      )}
    </span>
  )
}
