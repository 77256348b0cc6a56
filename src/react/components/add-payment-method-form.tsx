import { type ReactNode, useEffect, useRef, useState } from 'react'
import { BillingProblem } from '../../client/problem.js'
import { useBilling } from '../billing-context.js'
import { useStripeConfig } from '../hooks/use-billing-account.js'
import { useAttachPaymentMethod } from '../hooks/use-payment-methods.js'
import { usePlans } from '../hooks/use-subscription.js'
import { addEnglish } from '../messages.js'
import { onDemandEnglish } from '../on-demand-messages.js'
import { Button } from '../primitives/button.js'
import { Dialog } from '../primitives/dialog.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { Skeleton } from '../primitives/skeleton.js'
import { useToast } from '../primitives/toast.js'
import type { LoadStripe, StripeJs } from '../stripe.js'
import { CheckoutDialog } from './checkout-dialog.js'

addEnglish(onDemandEnglish)

/** How it is closed. */
export interface AddPaymentMethodFormProps {
  /** Called when it is done or given up. */
  readonly onClose: () => void
}

export function AddPaymentMethodForm({ onClose }: AddPaymentMethodFormProps): ReactNode {
  const { text, loadStripe } = useBilling()
  const config = useStripeConfig()
  const key = config.data?.publishable_key
  if (config.isPending && loadStripe) {
    return (
      <Dialog title={text('addMethod.title')} onClose={onClose}>
        <Skeleton lines={4} />
      </Dialog>
    )
  }
  if (loadStripe && key) return <StripeForm loadStripe={loadStripe} publishableKey={key} onClose={onClose} />
  return <HostedPage onClose={onClose} />
}

function HostedPage({ onClose }: AddPaymentMethodFormProps): ReactNode {
  const { text } = useBilling()
  return (
    <CheckoutDialog
      title={text('addMethod.title')}
      sale={{ kind: 'setup' }}
      label={text('addMethod.hosted')}
      onClose={onClose}
    >
      <p>{text('addMethod.hostedText')}</p>
    </CheckoutDialog>
  )
}

interface StripeFormProps extends AddPaymentMethodFormProps {
  readonly loadStripe: LoadStripe
  readonly publishableKey: string
}

interface Elements {
  submit(): Promise<{ readonly error?: { readonly type?: string; readonly message?: string } }>
  create(type: 'payment'): {
    mount(element: HTMLElement): void
    on(event: 'ready', listener: () => void): void
    on(event: 'loaderror', listener: (event: { readonly error?: { readonly message?: string } }) => void): void
    destroy(): void
  }
}

function StripeForm({ loadStripe, publishableKey, onClose }: StripeFormProps): ReactNode {
  const { text, format } = useBilling()
  const toast = useToast()
  const plans = usePlans()
  const attach = useAttachPaymentMethod()
  const place = useRef<HTMLFieldSetElement>(null)
  const form = useRef<{ readonly stripe: StripeJs; readonly elements: Elements } | null>(null)
  const [isReady, setReady] = useState(false)
  const [isAsking, setAsking] = useState(false)
  const [isDefault, setDefault] = useState(true)
  const [wrong, setWrong] = useState<string | null>(null)
  const currency = plans.data?.currency
  const { locale } = format
  const unavailable = text('addMethod.unavailable')

  useEffect(() => {
    if (currency === undefined) return
    let isOver = false
    let mounted: ReturnType<Elements['create']> | undefined
    const mount = async () => {
      const stripe: StripeJs | null = await loadStripe(publishableKey)
      if (isOver || !place.current) return
      if (!stripe) throw new Error(unavailable)
      const elements: Elements = stripe.elements({
        mode: 'setup',
        currency: currency.toLowerCase(),
        paymentMethodCreation: 'manual',
        locale,
        appearance: appearanceOf(place.current),
      })
      form.current = { stripe, elements }
      mounted = elements.create('payment')
      mounted.on('ready', () => setReady(true))
      mounted.on('loaderror', ({ error }) => setWrong(error?.message ?? unavailable))
      mounted.mount(place.current)
    }
    mount().catch((error: unknown) => setWrong(error instanceof Error ? error.message : unavailable))
    return () => {
      isOver = true
      mounted?.destroy()
    }
  }, [loadStripe, publishableKey, currency, locale, unavailable])

  const submit = async () => {
    if (!form.current) return
    const { stripe, elements } = form.current
    setWrong(null)
    setAsking(true)
    try {
      const checked = await elements.submit()
      if (checked.error) {
        // What is wrong with a field stands beside it already, in Stripe's frame.
        return checked.error.type === 'validation_error' ? undefined : setWrong(checked.error.message ?? unavailable)
      }
      const { paymentMethod, error } = await stripe.createPaymentMethod({ elements })
      if (!paymentMethod) return setWrong(error?.message ?? unavailable)
      await attach.mutateAsync({ payment_method_id: paymentMethod.id, set_as_default: isDefault })
      toast(text('methods.added'))
      onClose()
    } catch (error) {
      // What the server refused is shown by the mutation.
      if (!BillingProblem.is(error)) setWrong(error instanceof Error ? error.message : unavailable)
    } finally {
      setAsking(false)
    }
  }

  return (
    <Dialog
      title={text('addMethod.title')}
      onClose={onClose}
      onSubmit={() => void submit()}
      footer={
        <>
          <Button onClick={onClose}>{text('action.cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={isAsking} disabled={!isReady}>
            {text('addMethod.submit')}
          </Button>
        </>
      }
    >
      {!isReady && wrong === null && <Skeleton lines={3} of="blocks" />}
      <fieldset
        ref={place}
        className="billfold-elements"
        aria-label={text('addMethod.fields')}
        hidden={!isReady && wrong !== null}
      />
      <label className="billfold-check">
        <input type="checkbox" checked={isDefault} onChange={({ target }) => setDefault(target.checked)} />
        <span>{text('addMethod.asDefault')}</span>
      </label>
      <p className="billfold-muted billfold-small">{text('addMethod.secure')}</p>
      {wrong !== null && (
        <p className="billfold-notice billfold-tone-danger" role="alert">
          {wrong}
        </p>
      )}
      {attach.error && <ProblemNotice problem={attach.error} isWrite />}
    </Dialog>
  )
}

/** Stripe's fields in the colours of the page around them; they are in a frame and see none of its style. */
function appearanceOf(element: HTMLElement) {
  const style = getComputedStyle(element)
  const colorOf = (name: string) => {
    const probe = document.createElement('span')
    probe.style.color = `var(${name})`
    element.append(probe)
    const { color } = getComputedStyle(probe)
    probe.remove()
    return color
  }
  return {
    theme: 'stripe',
    variables: {
      colorPrimary: colorOf('--billfold-accent'),
      colorBackground: colorOf('--billfold-surface'),
      colorText: colorOf('--billfold-text'),
      colorDanger: colorOf('--billfold-danger'),
      borderRadius: '6px',
      fontFamily: style.fontFamily,
      fontSizeBase: '14px',
    },
  } as const
}
