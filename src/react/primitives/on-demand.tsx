import { type ComponentType, lazy, type ReactNode, Suspense } from 'react'

/** A component that is loaded when it is first drawn: what opens on a click, or draws with a library of its own. */
export function onDemand<Props extends object>(load: () => Promise<ComponentType<Props>>): (props: Props) => ReactNode {
  const Loaded = lazy(async () => ({ default: await load() })) as unknown as ComponentType<Props>
  return (props) => (
    <Suspense fallback={null}>
      <Loaded {...props} />
    </Suspense>
  )
}
