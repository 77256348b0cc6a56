import type { ReactNode } from 'react'

const places = [
  ['/playground', 'Playground'],
  ['/settings/billing', 'Billing'],
  ['/settings/usage', 'Usage'],
  ['/settings/plans', 'Plans'],
  ['/settings/invoices', 'Invoices'],
] as const

export function Navigation({ email }: { readonly email: string }): ReactNode {
  return (
    <header className="top">
      <nav aria-label="Main">
        {places.map(([address, title]) => (
          <a key={address} href={address} aria-current={location.pathname === address ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <form method="post" action="/sign-out">
        <span className="quiet">{email}</span>
        <button type="submit">Sign out</button>
      </form>
    </header>
  )
}
