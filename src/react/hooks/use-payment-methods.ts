import { useQueryClient } from '@tanstack/react-query'
import type { PaymentMethod } from '../../client/client.js'
import { queryKey } from '../../client/queries.js'
import { useClient } from '../billing-context.js'
import { type Read, useRead } from './use-read.js'
import { useWrite, type Write } from './use-write.js'

/** What the account can pay with. */
export function usePaymentMethods(organizationId?: string): Read<readonly PaymentMethod[]> {
  return useRead((queries) => queries.paymentMethods(), { organizationId })
}

const changes = ['paymentMethods', 'account'] as const

/** Adds what a form of the provider's made. */
export function useAttachPaymentMethod(
  organizationId?: string,
): Write<{ readonly payment_method_id: string; readonly set_as_default: boolean }, PaymentMethod> {
  return useWrite(
    { write: (client, method, given) => client.paymentMethods.attach(method, given), changes },
    organizationId,
  )
}

/** Takes one away, by its id. */
export function useRemovePaymentMethod(organizationId?: string): Write<string, undefined> {
  return useWrite({ write: (client, id, given) => client.paymentMethods.remove(id, given), changes }, organizationId)
}

/** Makes one the default, by its id. The list shows it at once, and as it was if it fails. */
export function useSetDefaultPaymentMethod(organizationId?: string): Write<string, PaymentMethod> {
  const queries = useQueryClient()
  const key = queryKey('paymentMethods', useClient(organizationId).accountId)
  return useWrite(
    {
      async write(client, id, given) {
        await queries.cancelQueries({ queryKey: key })
        const before = queries.getQueryData<readonly PaymentMethod[]>(key)
        queries.setQueryData<readonly PaymentMethod[]>(key, (methods) =>
          methods?.map((method) => ({ ...method, is_default: method.id === id })),
        )
        try {
          return await client.paymentMethods.setDefault(id, given)
        } catch (error) {
          queries.setQueryData(key, before)
          throw error
        }
      },
      changes,
    },
    organizationId,
  )
}
