'use client'

import Link from 'next/link'
import { usePathname } from 'next/navigation'
import type { ReactNode } from 'react'
import { signOut } from '../sign-in'

const places = [
  ['/playground', 'Playground'],
  ['/settings/billing', 'Billing'],
  ['/settings/usage', 'Usage'],
  ['/settings/plans', 'Plans'],
  ['/settings/invoices', 'Invoices'],
] as const

export function Navigation({ email }: { readonly email: string }): ReactNode {
  const path = usePathname()
  return (
    <header className="top">
      <nav aria-label="Main">
        {places.map(([address, title]) => (
          <Link key={address} href={address} aria-current={path === address ? 'page' : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <form action={signOut}>
        <span className="quiet">{email}</span>
        <button type="submit">Sign out</button>
      </form>
    </header>
  )
}
