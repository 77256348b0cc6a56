import { type FormEvent, type ReactNode, useId, useLayoutEffect, useRef } from 'react'
import type { BillingProblem } from '../../client/problem.js'
import { useBilling } from '../billing-context.js'
import { Button } from './button.js'
import { Icon } from './icon.js'
import { ProblemNotice } from './problem-notice.js'

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly children: ReactNode
  readonly footer?: ReactNode
  /** A dialog that is answered by a form. */
  readonly onSubmit?: (event: FormEvent) => void
}

/** The browser's own modal dialog: it keeps the focus, closes on Escape, and gives the focus back. It is there while it is drawn. */
export function Dialog({ title, onClose, children, footer, onSubmit }: DialogProps): ReactNode {
  const { text } = useBilling()
  const id = useId()
  const element = useRef<HTMLDialogElement>(null)
  // Before it is taken out of the document: only a dialog that is closed there gives the focus back.
  useLayoutEffect(() => {
    const dialog = element.current
    if (dialog && !dialog.open) dialog.showModal()
    return () => dialog?.close()
  }, [])
  const body = (
    <>
      <div className="billfold-dialog-body">{children}</div>
      {footer !== undefined && <footer className="billfold-dialog-footer">{footer}</footer>}
    </>
  )
  return (
    <dialog
      ref={element}
      className="billfold-dialog"
      aria-labelledby={id}
      onCancel={(event) => {
        // React has it rise from a dialog within this one.
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        onClose()
      }}
    >
      <header className="billfold-dialog-header">
        <h2 id={id}>{title}</h2>
        <button type="button" className="billfold-close" aria-label={text('action.close')} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      {onSubmit ? (
        <form
          noValidate
          onSubmit={(event) => {
            event.preventDefault()
            onSubmit(event)
          }}
        >
          {body}
        </form>
      ) : (
        body
      )}
    </dialog>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly children: ReactNode
  readonly confirm: string
  readonly cancel?: string
  readonly isDangerous?: boolean
  readonly isBusy: boolean
  readonly problem: BillingProblem | null
  readonly onConfirm: () => void
  readonly onClose: () => void
}

/** Asks before something that is hard to take back, or that costs money. */
export function Confirm(props: ConfirmProps): ReactNode {
  const { text } = useBilling()
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      footer={
        <>
          <Button onClick={props.onClose}>{props.cancel ?? text('action.cancel')}</Button>
          <Button variant={props.isDangerous ? 'danger' : 'primary'} isBusy={props.isBusy} onClick={props.onConfirm}>
            {props.confirm}
          </Button>
        </>
      }
    >
      {props.children}
      {props.problem && <ProblemNotice problem={props.problem} isWrite />}
    </Dialog>
  )
}
