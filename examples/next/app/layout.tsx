import type { Metadata } from 'next'
import type { ReactNode } from 'react'
import 'billfold/react/styles.css'
import './globals.css'

export const metadata: Metadata = {
  title: { default: 'Parrot', template: '%s · Parrot' },
  description: 'A demo of billing with Billfold and Next.',
}

/** Every page is somebody's: none is drawn while the app is built. */
export const dynamic = 'force-dynamic'

export default function RootLayout({ children }: { readonly children: ReactNode }): ReactNode {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
