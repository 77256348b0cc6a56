import type { ReactNode } from 'react'

const paths = {
  check: 'M3.5 8.5l3 3 6-7',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.5M8 12v.01',
  danger: 'M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 5v3.5M8 11v.01',
  stop: 'M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM3.8 3.8l8.4 8.4',
  info: 'M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 7.3V11M8 5v.01',
  clock: 'M8 1.8a6.2 6.2 0 100 12.4A6.2 6.2 0 008 1.8zM8 4.5V8l2.3 1.6',
  card: 'M1.8 4.3a1 1 0 011-1h10.4a1 1 0 011 1v7.4a1 1 0 01-1 1H2.8a1 1 0 01-1-1zM1.8 6.6h12.4M4.3 10h2.4',
  bank: 'M2 6.2L8 2.6l6 3.6zM3.6 6.2v5.6M6.5 6.2v5.6M9.5 6.2v5.6M12.4 6.2v5.6M2 13.2h12',
  download: 'M8 2.5v7.3M4.8 6.8L8 10l3.2-3.2M2.8 13.2h10.4',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  dot: 'M8 6.4a1.6 1.6 0 100 3.2 1.6 1.6 0 000-3.2z',
} as const

export type IconName = keyof typeof paths

/** A mark beside words; it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }): ReactNode {
  return (
    <svg className="billfold-icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
