import { type ReactNode, useState } from 'react'
import type { PaymentMethod } from '../../client/client.js'
import { type BillingContextValue, useBilling } from '../billing-context.js'
import { usePaymentMethods, useRemovePaymentMethod, useSetDefaultPaymentMethod } from '../hooks/use-payment-methods.js'
import { Badge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Confirm } from '../primitives/dialog.js'
import { Icon } from '../primitives/icon.js'
import { Loaded } from '../primitives/loaded.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { Empty } from '../primitives/table.js'
import { useToast } from '../primitives/toast.js'
import { AddPaymentMethodForm } from './on-demand.js'

/** What the account pays with: one is the default, each can be taken away, more can be added. */
export function PaymentMethodList(): ReactNode {
  const billing = useBilling()
  const { text, access } = billing
  const toast = useToast()
  const methods = usePaymentMethods()
  const [isAdding, setAdding] = useState(false)
  const [leaving, setLeaving] = useState<PaymentMethod | null>(null)
  const setDefault = useSetDefaultPaymentMethod()
  const makeDefault = (method: PaymentMethod) => {
    const onSuccess = () => toast(text('methods.madeDefault', { method: methodName(method, billing) }))
    setDefault.mutate(method.id, { onSuccess })
  }
  return (
    <Card
      title={text('methods.title')}
      isBusy={methods.isPending}
      actions={
        access.manage && (
          <Button icon="plus" onClick={() => setAdding(true)}>
            {text('methods.add')}
          </Button>
        )
      }
    >
      <Loaded of={methods}>
        {(all) =>
          all.length === 0 ? (
            <Empty>{text('methods.empty')}</Empty>
          ) : (
            <ul className="billfold-rows">
              {all.map((method) => (
                <Method
                  key={method.id}
                  method={method}
                  onDefault={access.manage ? () => makeDefault(method) : undefined}
                  onRemove={access.manage ? () => setLeaving(method) : undefined}
                />
              ))}
            </ul>
          )
        }
      </Loaded>
      {setDefault.error && <ProblemNotice problem={setDefault.error} isWrite />}
      {isAdding && <AddPaymentMethodForm onClose={() => setAdding(false)} />}
      {leaving && <RemoveMethod method={leaving} onClose={() => setLeaving(null)} />}
    </Card>
  )
}

interface MethodProps {
  readonly method: PaymentMethod
  readonly onDefault: (() => void) | undefined
  readonly onRemove: (() => void) | undefined
}

function Method({ method, onDefault, onRemove }: MethodProps): ReactNode {
  const billing = useBilling()
  const { text } = billing
  const name = methodName(method, billing)
  const { expiry_month: month, expiry_year: year } = method
  const isExpired = month !== null && year !== null && Date.UTC(year, month) < Date.now()
  return (
    <li className="billfold-row">
      <span className="billfold-row-main">
        <Icon name={method.type === 'card' ? 'card' : 'bank'} />
        <span>
          <span className="billfold-strong">{name}</span>
          {month !== null && year !== null && (
            <span className={isExpired ? 'billfold-small billfold-danger-text' : 'billfold-small billfold-muted'}>
              {text(isExpired ? 'methods.expired' : 'methods.expires', {
                month: String(month).padStart(2, '0'),
                year: String(year),
              })}
            </span>
          )}
        </span>
      </span>
      <span className="billfold-actions">
        {method.is_default ? (
          <Badge tone="positive">{text('methods.default')}</Badge>
        ) : (
          onDefault && (
            <Button variant="quiet" aria-label={text('methods.makeDefaultOf', { method: name })} onClick={onDefault}>
              {text('methods.makeDefault')}
            </Button>
          )
        )}
        {onRemove && (
          <Button variant="quiet" aria-label={text('methods.removeOf', { method: name })} onClick={onRemove}>
            {text('methods.remove')}
          </Button>
        )}
      </span>
    </li>
  )
}

function RemoveMethod({
  method,
  onClose,
}: {
  readonly method: PaymentMethod
  readonly onClose: () => void
}): ReactNode {
  const billing = useBilling()
  const { text } = billing
  const toast = useToast()
  const remove = useRemovePaymentMethod()
  const name = methodName(method, billing)
  return (
    <Confirm
      title={text('methods.removeTitle', { method: name })}
      confirm={text('methods.remove')}
      isDangerous
      isBusy={remove.isPending}
      problem={remove.error}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(method.id, {
          onSuccess: () => {
            toast(text('methods.removed', { method: name }))
            onClose()
          },
        })
      }
    >
      <p>{text(method.is_default ? 'methods.removeDefault' : 'methods.removeText')}</p>
    </Confirm>
  )
}

const brands: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  unionpay: 'UnionPay',
  jcb: 'JCB',
}

function methodName({ card_brand, card_last4, type }: PaymentMethod, { text }: BillingContextValue): string {
  const brand = card_brand ?? type.replaceAll('_', ' ')
  const title = brands[brand] ?? brand.charAt(0).toUpperCase() + brand.slice(1)
  return card_last4 === null ? title : text('methods.ending', { brand: title, last4: card_last4 })
}
