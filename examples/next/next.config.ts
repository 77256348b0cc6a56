import type { NextConfig } from 'next'

// This folder is the whole app: Next would otherwise take a lockfile further up for its root.
const root = import.meta.dirname

const config: NextConfig = { turbopack: { root }, outputFileTracingRoot: root, poweredByHeader: false }

export default config
