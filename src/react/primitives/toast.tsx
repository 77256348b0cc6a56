import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { useBilling } from '../billing-context.js'
import { Icon } from './icon.js'

interface Toast {
  readonly id: number
  readonly message: string
}

const ToastContext = createContext<(message: string) => void>(() => {})

/** Says what was done, for people who see and people who listen. It stays until it is closed or for eight seconds after the last one. */
export function ToastRegion({ children }: { readonly children: ReactNode }): ReactNode {
  const { text } = useBilling()
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const close = useCallback((id: number) => setToasts((open) => open.filter((toast) => toast.id !== id)), [])
  const show = useCallback(
    (message: string) => {
      const id = Date.now()
      setToasts((open) => [...open.slice(-2), { id, message }])
      setTimeout(close, 8_000, id)
    },
    [close],
  )
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div className="billfold-toasts" role="status" aria-live="polite">
        {toasts.map(({ id, message }) => (
          <div key={id} className="billfold-toast">
            <Icon name="check" />
            <span>{message}</span>
            <button
              type="button"
              className="billfold-close"
              aria-label={text('action.close')}
              onClick={() => close(id)}
            >
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
    </ToastContext.Provider>
  )
}

/** Says that something was done. What failed is said where it was tried. */
export function useToast(): (message: string) => void {
  return useContext(ToastContext)
}
