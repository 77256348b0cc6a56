import { QueryClient, QueryClientContext, QueryClientProvider } from '@tanstack/react-query'
import { type ReactNode, useContext, useMemo, useState } from 'react'
import { type BillingClient, createBillingClient } from '../client/client.js'
import type { Remedy } from '../client/problem.js'
import type { BillingClientOptions } from '../client/request.js'
import { BillingContext, type BillingContextValue } from './billing-context.js'
import { createFormat } from './format.js'
import { LiveUpdates } from './hooks/use-live-updates.js'
import { createTranslate, type Messages } from './messages.js'
import { ToastRegion } from './primitives/toast.js'
import type { LoadStripe } from './stripe.js'

/** How the billing area is set up. Everything has a default. */
export interface BillingProviderProps {
  readonly children: ReactNode
  /** A client, or where and how one asks. Default: `/api/billing` of the page's own origin, with its cookies. */
  readonly client?: BillingClient | BillingClientOptions
  /** The account that is shown, where the caller may look after several; default the caller's own. */
  readonly organizationId?: string
  /** BCP 47; default the browser's, and English while a server renders. */
  readonly locale?: string
  /** Texts of one's own. */
  readonly messages?: Messages
  /** What people call the catalog's meters and features: `{ ai_tokens: 'AI tokens' }`. */
  readonly names?: Readonly<Record<string, string>>
  /** IANA zone in which moments are shown; default the browser's. */
  readonly timeZone?: string
  /** `auto` follows the page's `color-scheme`. */
  readonly theme?: 'auto' | 'light' | 'dark'
  /** What the person may do; buttons for the rest are not shown. The server decides in any case. Default both. */
  readonly access?: { readonly pay?: boolean; readonly manage?: boolean }
  /** Where hosted pages lead back to; default what the server is set up with. */
  readonly returnUrls?: { readonly success?: string; readonly cancel?: string; readonly portal?: string }
  /** `loadStripe` of `@stripe/stripe-js`: cards are then given in the page. Without it on a page of the provider. */
  readonly loadStripe?: LoadStripe
  /** Opens a page of the provider; default `location.assign`. */
  readonly navigate?: (url: string) => void
  /** Leads to what a refusal says would help: buying credits (`top_up`) or a larger plan (`upgrade`). Without it there is no button. */
  readonly onRemedy?: (remedy: Remedy) => void
  /** Whether the server's events are listened to; default true. */
  readonly live?: boolean
  /** Default: the one around it, or one of its own. */
  readonly queryClient?: QueryClient
}

/**
 * Sets up the billing area for everything below it: client, cache, language, theme, live updates and toasts.
 *
 * @example <BillingProvider client={{ baseUrl: '/api/billing' }}><BillingOverview /></BillingProvider>
 */
export function BillingProvider(props: BillingProviderProps): ReactNode {
  const { children, locale, messages, timeZone, theme = 'auto', live = true, organizationId } = props
  const client = useClientOf(props.client, organizationId)
  const outer = useContext(QueryClientContext)
  const [own] = useState(() => (props.queryClient || outer ? null : new QueryClient()))
  const queryClient = props.queryClient ?? outer ?? own
  const language = locale ?? (typeof navigator === 'undefined' ? 'en' : navigator.language)
  const { pay = true, manage = true } = props.access ?? {}
  const { returnUrls, loadStripe, navigate, names, onRemedy } = props
  const value = useMemo((): BillingContextValue => {
    const format = createFormat(language, timeZone)
    return {
      client,
      format,
      text: createTranslate(messages, format),
      nameOf: (name) => names?.[name] ?? wordsOf(name),
      access: { pay, manage },
      returnUrls: returnUrls ?? {},
      loadStripe,
      onRemedy,
      navigate: navigate ?? ((url) => window.location.assign(url)),
    }
  }, [client, language, timeZone, messages, names, pay, manage, returnUrls, loadStripe, navigate, onRemedy])

  if (!queryClient) throw new Error('BillingProvider: there is no QueryClient.')
  return (
    <QueryClientProvider client={queryClient}>
      <BillingContext.Provider value={value}>
        <div
          className={`billfold billfold-theme-${theme}`}
          lang={language}
          dir={value.format.direction}
          suppressHydrationWarning
        >
          <ToastRegion>{children}</ToastRegion>
        </div>
        {live && <LiveUpdates />}
      </BillingContext.Provider>
    </QueryClientProvider>
  )
}

function useClientOf(given: BillingProviderProps['client'], organizationId: string | undefined): BillingClient {
  // Options are usually written in place, and so new at each rendering.
  const { baseUrl, credentials, headers, fetch } = (given && !isClient(given) ? given : {}) as BillingClientOptions
  const own = given && isClient(given) ? given : null
  const named = organizationId ?? (given && !isClient(given) ? given.organizationId : undefined)
  const headersKey = typeof headers === 'function' ? headers : JSON.stringify(headers)
  // biome-ignore lint/correctness/useExhaustiveDependencies: `headers` is compared by what it says
  return useMemo(() => {
    const client =
      own ??
      createBillingClient({
        ...(baseUrl === undefined ? {} : { baseUrl }),
        ...(credentials === undefined ? {} : { credentials }),
        ...(headers === undefined ? {} : { headers }),
        ...(fetch === undefined ? {} : { fetch }),
      })
    return named === undefined ? client : client.for(named)
  }, [own, baseUrl, credentials, headersKey, fetch, named])
}

function isClient(given: BillingClient | BillingClientOptions): given is BillingClient {
  return 'subscription' in given
}

/** `api_calls` as `Api calls`. */
function wordsOf(name: string): string {
  const words = name.replaceAll(/[_-]+/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
