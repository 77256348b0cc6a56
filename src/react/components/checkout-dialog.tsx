import type { ReactNode } from 'react'
import { useBilling } from '../billing-context.js'
import { type Sale, useCheckout } from '../hooks/use-checkout.js'
import { Button } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { ProblemNotice } from '../primitives/problem-notice.js'

/** Says what a page of the payment provider is opened for, and goes there. */
export function CheckoutDialog({
  title,
  sale,
  label,
  onClose,
  children,
}: {
  readonly title: string
  readonly sale: Sale
  /** What the button says that leads there. */
  readonly label: string
  readonly onClose: () => void
  readonly children: ReactNode
}): ReactNode {
  const { text } = useBilling()
  const checkout = useCheckout()
  return (
    <Dialog
      title={title}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{text('action.cancel')}</Button>
          <Button
            variant="primary"
            isBusy={checkout.isPending || checkout.isSuccess}
            onClick={() => checkout.mutate(sale)}
          >
            {label}
          </Button>
        </>
      }
    >
      {children}
      {checkout.error && <ProblemNotice problem={checkout.error} isWrite />}
    </Dialog>
  )
}
