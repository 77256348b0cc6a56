import { type ReactNode, useState } from 'react'
import type { ApiKey, IssuedApiKey } from '../../client/client.js'
import { useBilling } from '../billing-context.js'
import { useIssueApiKey, useRevokeApiKey, useRotateApiKey } from '../hooks/use-api-keys.js'
import { Button, CopyButton } from '../primitives/button.js'
import { Confirm, Dialog } from '../primitives/dialog.js'
import { Field } from '../primitives/field.js'
import { ProblemNotice } from '../primitives/problem-notice.js'
import { useToast } from '../primitives/toast.js'

/** What is wanted of keys: one more, another secret, the end of one, or to see the secret that was made. */
export type AskedOfKeys =
  | { readonly kind: 'create' }
  | { readonly kind: 'rotate' | 'revoke'; readonly key: ApiKey }
  | { readonly kind: 'issued'; readonly issued: IssuedApiKey }

export interface ApiKeyDialogProps extends IssuingProps {
  readonly asking: AskedOfKeys
}

export function ApiKeyDialog({ asking, onClose, onIssued }: ApiKeyDialogProps): ReactNode {
  switch (asking.kind) {
    case 'create':
      return <CreateKey onClose={onClose} onIssued={onIssued} />
    case 'rotate':
      return <RotateKey apiKey={asking.key} onClose={onClose} onIssued={onIssued} />
    case 'revoke':
      return <RevokeKey apiKey={asking.key} onClose={onClose} />
    case 'issued':
      return <Secret issued={asking.issued} onClose={onClose} />
  }
}

const offeredScopes = ['usage:write', 'billing:read'] as const

interface IssuingProps {
  readonly onClose: () => void
  readonly onIssued: (key: IssuedApiKey) => void
}

function CreateKey({ onClose, onIssued }: IssuingProps): ReactNode {
  const { text } = useBilling()
  const issue = useIssueApiKey()
  const [name, setName] = useState('')
  const [budget, setBudget] = useState('')
  const [scopes, setScopes] = useState<readonly string[]>(['usage:write'])
  const [isTried, setTried] = useState(false)
  const isBudget = budget === '' || /^\d{1,15}(\.\d{1,6})?$/.test(budget)
  return (
    <Dialog
      title={text('keys.create')}
      onClose={onClose}
      onSubmit={() => {
        setTried(true)
        if (name.trim() === '' || !isBudget) return
        const terms = budget === '' ? {} : { budget: { limit: budget, interval: 'month' as const } }
        issue.mutate({ name: name.trim(), scopes, ...terms }, { onSuccess: onIssued })
      }}
      footer={
        <>
          <Button onClick={onClose}>{text('action.cancel')}</Button>
          <Button type="submit" variant="primary" isBusy={issue.isPending}>
            {text('keys.create')}
          </Button>
        </>
      }
    >
      <Field
        label={text('keys.name')}
        hint={text('keys.nameHint')}
        error={isTried && name.trim() === '' ? text('keys.nameMissing') : null}
        maxLength={200}
        autoComplete="off"
        value={name}
        onChange={({ target }) => setName(target.value)}
      />
      <fieldset className="billfold-checks">
        <legend>{text('keys.scopes')}</legend>
        {offeredScopes.map((scope) => (
          <label key={scope} className="billfold-check">
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={({ target }) =>
                setScopes((all) => (target.checked ? [...all, scope] : all.filter((each) => each !== scope)))
              }
            />
            <span>{text(`keys.scope.${scope}`)}</span>
          </label>
        ))}
      </fieldset>
      <Field
        label={text('keys.budget')}
        hint={text('keys.budgetHint')}
        error={isTried && !isBudget ? text('keys.budgetInvalid') : null}
        inputMode="decimal"
        autoComplete="off"
        value={budget}
        onChange={({ target }) => setBudget(target.value.trim())}
      />
      {issue.error && <ProblemNotice problem={issue.error} isWrite />}
    </Dialog>
  )
}

function RotateKey({ apiKey, onClose, onIssued }: IssuingProps & { readonly apiKey: ApiKey }): ReactNode {
  const { text } = useBilling()
  const rotate = useRotateApiKey()
  return (
    <Confirm
      title={text('keys.rotateTitle', { name: apiKey.name })}
      confirm={text('keys.rotate')}
      isBusy={rotate.isPending}
      problem={rotate.error}
      onClose={onClose}
      onConfirm={() => rotate.mutate(apiKey.id, { onSuccess: onIssued })}
    >
      <p>{text('keys.rotateText')}</p>
    </Confirm>
  )
}

function RevokeKey({ apiKey, onClose }: { readonly apiKey: ApiKey; readonly onClose: () => void }): ReactNode {
  const { text } = useBilling()
  const toast = useToast()
  const revoke = useRevokeApiKey()
  return (
    <Confirm
      title={text('keys.revokeTitle', { name: apiKey.name })}
      confirm={text('keys.revoke')}
      isDangerous
      isBusy={revoke.isPending}
      problem={revoke.error}
      onClose={onClose}
      onConfirm={() =>
        revoke.mutate(apiKey.id, {
          onSuccess: () => {
            toast(text('keys.revoked', { name: apiKey.name }))
            onClose()
          },
        })
      }
    >
      <p>{text('keys.revokeText')}</p>
    </Confirm>
  )
}

function Secret({ issued, onClose }: { readonly issued: IssuedApiKey; readonly onClose: () => void }): ReactNode {
  const { text } = useBilling()
  const { secret } = issued
  return (
    <Dialog
      title={text('keys.secretTitle')}
      onClose={onClose}
      footer={
        <Button variant="primary" onClick={onClose}>
          {text('keys.done')}
        </Button>
      }
    >
      <p>{text(secret === null ? 'keys.secretLost' : 'keys.secretText')}</p>
      {secret !== null && (
        <p className="billfold-secret">
          <code>{secret}</code>
          <CopyButton value={secret} what={text('keys.secret')} />
        </p>
      )}
    </Dialog>
  )
}
