import type { ReactNode } from 'react'
import type { GrantExplanation, TransactionExplanation, UsageExplanation } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { useExplanation } from '../hooks/use-usage.js'
import { addEnglish, isMessage } from '../messages.js'
import { onDemandEnglish } from '../on-demand-messages.js'
import { CopyButton } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { Moment } from '../primitives/figures.js'
import { Icon } from '../primitives/icon.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'
import { Change, Figure, Step, Steps } from './steps.js'
import { UsageSteps } from './usage-steps.js'

addEnglish(onDemandEnglish)

/** What it is of: the id of usage, or of another change of the balance. */
export interface ExplanationDialogProps {
  readonly id: string
  readonly onClose: () => void
}

/** How a figure came about, from what was counted to who paid. */
export function ExplanationDialog({ id, onClose }: ExplanationDialogProps): ReactNode {
  const { text } = useBilling()
  const explanation = useExplanation(id)
  return (
    <Dialog title={text('explain.title')} onClose={onClose}>
      <Loaded of={explanation} skeleton={<Skeleton lines={8} />}>
        {(found) => (
          <>
            {found.kind === 'usage' && <OfUsage usage={found} />}
            {found.kind === 'grant' && <GrantSteps grant={found} />}
            {found.kind === 'entry' && <TransactionSteps transaction={found} />}
            <Verdict agrees={found.agrees} id={id} />
          </>
        )}
      </Loaded>
    </Dialog>
  )
}

function OfUsage({ usage }: { readonly usage: UsageExplanation }): ReactNode {
  const { text } = useBilling()
  const { corrections } = usage
  return (
    <>
      <UsageSteps usage={usage} />
      {corrections.length > 0 && (
        <Steps title={text('explain.corrections')}>
          {corrections.map(({ id, description, recorded_at, sparks }) => (
            <Step
              key={id}
              what={description === '' ? text('ledger.amend') : description}
              note={<Moment at={recorded_at} isExact />}
            >
              <Figure value={sparks} isChange />
            </Step>
          ))}
        </Steps>
      )}
    </>
  )
}

function TransactionSteps({ transaction }: { readonly transaction: TransactionExplanation }): ReactNode {
  const { text, format } = useBilling()
  const { description, recorded_at, amount, balance_before, balance_after, payment } = transaction
  return (
    <Steps title={description === '' ? text('ledger.title') : description}>
      <Step what={text('ledger.when')}>
        <Moment at={recorded_at} isExact />
      </Step>
      {payment && <Step what={text('explain.payment')}>{format.money(payment.amount, payment.currency)}</Step>}
      <Step what={text('ledger.change')} isResult>
        <Figure value={amount} isChange />
      </Step>
      <Step what={text('explain.balance')}>
        <Change from={balance_before} to={balance_after} />
      </Step>
    </Steps>
  )
}

function GrantSteps({ grant }: { readonly grant: GrantExplanation }): ReactNode {
  const { text, format } = useBilling()
  const { description, cause, granted_at, expires_at, amount, remaining, payment, burned, burned_by } = grant
  return (
    <>
      <Steps title={description === '' ? text('credits.grant') : description}>
        <Step what={text('ledger.when')}>
          <Moment at={granted_at} isExact />
        </Step>
        <Step what={text('explain.cause')}>{text(`explain.cause.${cause}`)}</Step>
        {payment && <Step what={text('explain.payment')}>{format.money(payment.amount, payment.currency)}</Step>}
        <Step what={text('ledger.change')} isResult>
          <Figure value={amount} isChange />
        </Step>
        <Step what={text('credits.expires')}>
          {expires_at === null ? text('credits.never') : <Moment at={expires_at} />}
        </Step>
      </Steps>
      <Steps
        title={
          burned.transactions === 0 ? text('explain.unspent') : text('explain.spent', { count: burned.transactions })
        }
      >
        {burned_by.slice(0, 5).map(({ id, transaction_type, recorded_at, sparks }) => {
          const key = `ledger.${transaction_type}`
          return (
            <Step
              key={id}
              what={isMessage(key) ? text(key) : transaction_type}
              note={<Moment at={recorded_at} isExact />}
            >
              <Figure value={sparks} />
            </Step>
          )
        })}
        {burned.transactions > 1 && (
          <Step what={text('explain.spentTotal')}>
            <Figure value={burned.sparks} />
          </Step>
        )}
        <Step what={text('credits.remaining')} isResult>
          <Figure value={remaining} />
        </Step>
      </Steps>
    </>
  )
}

function Verdict({ agrees, id }: { readonly agrees: boolean; readonly id: string }): ReactNode {
  const { text } = useBilling()
  return (
    <>
      <p className={`billfold-notice billfold-tone-${agrees ? 'positive' : 'danger'}`}>
        <Icon name={agrees ? 'check' : 'danger'} />
        <span>{text(agrees ? 'explain.agrees' : 'explain.differs')}</span>
      </p>
      <p className="billfold-small billfold-muted">
        {text('records.id')}{' '}
        <span className="billfold-with-copy">
          <code>{id}</code>
          <CopyButton value={id} what={text('records.id')} />
        </span>
      </p>
    </>
  )
}
