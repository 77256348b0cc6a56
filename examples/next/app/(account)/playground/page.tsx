import { randomUUID } from 'node:crypto'
import { CreditBalance } from 'billfold/react'
import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import { Prefetched } from '@/server/prefetched'
import { Limits } from '../plan-links'
import { Tasks } from './tasks'

export const metadata: Metadata = { title: 'Playground' }

export default function PlaygroundPage(): ReactNode {
  return (
    <Prefetched of={(queries) => [queries.plans(), queries.credits(), queries.usageLimits()]}>
      <h1>Playground</h1>
      <Tasks firstKey={randomUUID()} />
      <div className="billfold-grid">
        <Limits />
        <CreditBalance />
      </div>
    </Prefetched>
  )
}
