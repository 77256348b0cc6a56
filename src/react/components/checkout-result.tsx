import type { ReactNode } from 'react'
import type { VerifiedCheckout } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { compare } from '../decimal.js'
import { useCheckoutId, useStanding } from '../hooks/use-checkout.js'
import { useCreditBalance } from '../hooks/use-credits.js'
import { usePlans } from '../hooks/use-subscription.js'
import { Icon, type IconName } from '../primitives/icon.js'
import { Loaded } from '../primitives/loaded.js'
import { Skeleton } from '../primitives/skeleton.js'

/** Which checkout it is about. */
export interface CheckoutResultProps {
  /** Ours, or the provider's of its session; default the checkout that was begun last in this tab. */
  readonly checkoutId?: string
  /** Where the billing area is. */
  readonly backUrl?: string
}

/** The page one comes back to: it says what is true at the provider, waits for it, and claims nothing before. */
export function CheckoutResult({ checkoutId, backUrl }: CheckoutResultProps): ReactNode {
  const { text } = useBilling()
  const id = useCheckoutId(checkoutId)
  const result = useStanding(id ?? null, { isAwaited: true })
  if (id === undefined) return <Waiting />
  if (id === null) {
    return (
      <Outcome icon="info" title={text('checkout.missing')} backUrl={backUrl}>
        <p>{text('checkout.missingText')}</p>
      </Outcome>
    )
  }
  return (
    <Loaded of={result} skeleton={<Waiting />}>
      {(checkout) => <Shown checkout={checkout} backUrl={backUrl} />}
    </Loaded>
  )
}

/**
 * The page one comes back to without having paid. The payment may have been made in another tab: what the provider says of it is shown, and
 * nothing is claimed where that cannot be had.
 */
export function CheckoutCanceled({ checkoutId, backUrl }: CheckoutResultProps): ReactNode {
  const { text } = useBilling()
  const id = useCheckoutId(checkoutId)
  const { data, error } = useStanding(id ?? null, { isAwaited: false })
  if (id === undefined || (id !== null && !data && !error)) return <Waiting />
  if (data && data.status !== 'open') return <Shown checkout={data} backUrl={backUrl} />
  return (
    <Outcome icon="info" title={text(data ? 'checkout.canceled' : 'checkout.left')} backUrl={backUrl}>
      <p>{text(data ? 'checkout.canceledText' : 'checkout.missingText')}</p>
    </Outcome>
  )
}

function Waiting(): ReactNode {
  const { text } = useBilling()
  return (
    <Outcome icon="clock" title={text('checkout.waiting')} backUrl={undefined}>
      <p>{text('checkout.waitingText')}</p>
      <Skeleton lines={2} />
    </Outcome>
  )
}

function Shown({
  checkout,
  backUrl,
}: {
  readonly checkout: VerifiedCheckout
  readonly backUrl: string | undefined
}): ReactNode {
  const { text, format } = useBilling()
  const plans = usePlans()
  const balance = useCreditBalance()
  const { status, kind, amount, currency, credits, plan } = checkout
  switch (status) {
    case 'open':
      return <Waiting />
    case 'processing':
      return (
        <Outcome icon="clock" title={text('checkout.processing')} backUrl={backUrl}>
          <p>{text('checkout.processingText')}</p>
        </Outcome>
      )
    case 'failed':
    case 'expired':
      return (
        <Outcome icon="danger" title={text(`checkout.${status}`)} backUrl={backUrl}>
          <p>{text(`checkout.${status}Text`)}</p>
        </Outcome>
      )
    case 'paid': {
      const name = plans.data?.plans.find(({ id }) => id === plan)?.name ?? plan
      return (
        <Outcome icon="check" title={text('checkout.paid')} backUrl={backUrl}>
          {compare(amount, 0) > 0 && <p>{text('checkout.paidText', { amount: format.money(amount, currency) })}</p>}
          {kind === 'setup' && <p>{text('checkout.setup')}</p>}
          {name !== null && <p>{text('checkout.plan', { plan: name })}</p>}
          {compare(credits, 0) > 0 && balance.data && (
            <p>
              {text('checkout.gave', {
                credits: format.number(credits),
                balance: format.number(balance.data.available_credits),
              })}
            </p>
          )}
        </Outcome>
      )
    }
    default:
      return unknownStatus(status)
  }
}

function unknownStatus(status: never): never {
  throw new Error(`A checkout cannot be ${String(status)}.`)
}

interface OutcomeProps {
  readonly icon: IconName
  readonly title: string
  readonly backUrl: string | undefined
  readonly children: ReactNode
}

function Outcome({ icon, title, backUrl, children }: OutcomeProps): ReactNode {
  const { text } = useBilling()
  return (
    <section className="billfold-card billfold-outcome" role="status">
      <span className={`billfold-outcome-mark billfold-outcome-${icon}`}>
        <Icon name={icon} />
      </span>
      <h1>{title}</h1>
      {children}
      {backUrl !== undefined && (
        <a className="billfold-button billfold-button-primary" href={backUrl}>
          {text('checkout.back')}
        </a>
      )}
    </section>
  )
}
