import { type ReactNode, useState } from 'react'
import { useBilling } from '../billing-context.js'
import { useApiKeys } from '../hooks/use-api-keys.js'
import { StatusBadge } from '../primitives/badge.js'
import { Button } from '../primitives/button.js'
import { Card } from '../primitives/card.js'
import { Moment } from '../primitives/figures.js'
import { PagedTable } from '../primitives/table.js'
import type { AskedOfKeys } from './api-key-dialog.js'
import { ApiKeyDialog } from './on-demand.js'

/** The keys that programs call with: made, exchanged, ended; a key itself is shown once. */
export function ApiKeysPanel(): ReactNode {
  const { text, format, access } = useBilling()
  const keys = useApiKeys()
  const [asking, setAsking] = useState<AskedOfKeys | null>(null)
  return (
    <Card
      title={text('keys.title')}
      isBusy={keys.isPending}
      actions={
        access.manage && (
          <Button icon="plus" onClick={() => setAsking({ kind: 'create' })}>
            {text('keys.create')}
          </Button>
        )
      }
    >
      <PagedTable
        label={text('keys.title')}
        list={keys}
        empty={text('keys.empty')}
        rowKey={({ id }) => id}
        columns={[
          {
            key: 'name',
            title: text('keys.name'),
            cell: ({ name, hint }) => (
              <span>
                {name}
                <code className="billfold-small billfold-muted">{hint}</code>
              </span>
            ),
          },
          { key: 'status', title: text('keys.status'), cell: ({ status }) => <StatusBadge status={status} /> },
          {
            key: 'budget',
            title: text('keys.budgetColumn'),
            cell: ({ budget }) =>
              budget === null
                ? text('keys.noBudget')
                : text('keys.budgetLeft', {
                    remaining: format.number(budget.remaining),
                    limit: format.number(budget.limit),
                  }),
          },
          {
            key: 'used',
            title: text('keys.used'),
            cell: ({ last_used_at }) => (last_used_at === null ? text('keys.neverUsed') : <Moment at={last_used_at} />),
          },
          {
            key: 'actions',
            title: text('keys.actions'),
            isUntitled: true,
            isFigure: true,
            cell: (key) =>
              access.manage &&
              key.status === 'active' && (
                <span className="billfold-actions">
                  <Button
                    variant="quiet"
                    aria-label={text('keys.rotateOf', { name: key.name })}
                    onClick={() => setAsking({ kind: 'rotate', key })}
                  >
                    {text('keys.rotate')}
                  </Button>
                  <Button
                    variant="quiet"
                    aria-label={text('keys.revokeOf', { name: key.name })}
                    onClick={() => setAsking({ kind: 'revoke', key })}
                  >
                    {text('keys.revoke')}
                  </Button>
                </span>
              ),
          },
        ]}
      />
      {asking && (
        <ApiKeyDialog
          asking={asking}
          onClose={() => setAsking(null)}
          onIssued={(issued) => setAsking({ kind: 'issued', issued })}
        />
      )}
    </Card>
  )
}
