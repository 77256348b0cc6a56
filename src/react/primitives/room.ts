import { type RefObject, useLayoutEffect, useRef } from 'react'

/**
 * The outline of what a card is reading is as high as what the card showed when this browser last saw it about as wide: what stands
 * below does not jump. A card that was never seen has the outline of its kind.
 */
export function useRoom(card: string, isBusy: boolean): RefObject<HTMLElement | null> {
  const ref = useRef<HTMLElement>(null)
  // After what a server drew was taken over, and before it is painted. A browser may keep its storage to itself.
  useLayoutEffect(() => {
    const section = ref.current
    if (!section) return
    const key = () => `billfold.room.${card}.${Math.round(section.offsetWidth / 32)}`
    if (isBusy) {
      const outline = section.querySelector<HTMLElement>('.billfold-skeleton')
      try {
        const room = localStorage.getItem(key())
        if (outline && room) outline.style.blockSize = `${outline.offsetHeight + Number(room) - heightOf(section)}px`
      } catch {}
      return
    }
    const observer = new ResizeObserver(() => {
      try {
        // What reaches below the window pushes all else out of it, however high it is.
        localStorage.setItem(key(), String(Math.min(heightOf(section), innerHeight)))
      } catch {}
    })
    observer.observe(section)
    return () => observer.disconnect()
  }, [card, isBusy])
  return ref
}

/** What is in it and its edges; it may be higher where it stands beside a higher one. */
function heightOf(section: HTMLElement): number {
  const [first, last] = [section.firstElementChild ?? section, section.lastElementChild ?? section]
  const top = section.getBoundingClientRect().top
  return Math.round(last.getBoundingClientRect().bottom + first.getBoundingClientRect().top - 2 * top)
}
