import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef } from 'react'
import type { BillingClient } from '../../client/client.js'
import { BillingProblem } from '../../client/problem.js'
import { queryKey, type Resource } from '../../client/queries.js'
import { useClient } from '../billing-context.js'

/** A write that fails with a problem. */
export type Write<Input, T> = UseMutationResult<T, BillingProblem, Input>

interface Writing<Input, T> {
  readonly write: (client: BillingClient, input: Input, given: { readonly idempotencyKey: string }) => Promise<T>
  /** What is read anew afterwards. */
  readonly changes: readonly Resource[]
}

/**
 * A write under a key that is made once for each intent of the person: when it is tried again because nobody answered, the server knows
 * that it is the same one. Another input, a success or a refusal is the end of an intent.
 */
export function useWrite<Input, T>({ write, changes }: Writing<Input, T>, organizationId?: string): Write<Input, T> {
  const client = useClient(organizationId)
  const queries = useQueryClient()
  const intent = useRef<{ readonly of: string; readonly key: string } | null>(null)
  return useMutation<T, BillingProblem, Input>({
    mutationFn: async (input) => {
      const of = JSON.stringify([client.accountId, input ?? null])
      if (intent.current?.of !== of) intent.current = { of, key: newKey() }
      try {
        const done = await write(client, input, { idempotencyKey: intent.current.key })
        intent.current = null
        return done
      } catch (error) {
        if (BillingProblem.is(error) && error.outcome === 'not_applied') intent.current = null
        throw error
      }
    },
    // Also after a failure: part of it may have happened, or somebody else was faster.
    onSettled: () =>
      Promise.all(
        changes.map((resource) => queries.invalidateQueries({ queryKey: queryKey(resource, client.accountId) })),
      ),
  })
}

/** `crypto.randomUUID` is there on secure pages only. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `web_${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
