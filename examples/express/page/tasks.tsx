import { type ReactNode, useState } from 'react'
import type { Outcome } from '../tasks.js'

const offered = [
  ['phrase', 'Say it again', '200 tokens'],
  ['book', 'Read a book', '147,000 tokens'],
] as const

/** Buttons that use what is billed. What they change is shown by the cards below, which are told of it. */
export function Tasks(): ReactNode {
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  const [isWorking, setWorking] = useState(false)
  // Made once for what is wanted: a double click counts once, and so does trying again when nobody answered.
  const [key, setKey] = useState(() => crypto.randomUUID())

  const work = async (task: string) => {
    setWorking(true)
    try {
      const response = await fetch(`/api/tasks/${task}`, {
        method: 'POST',
        headers: { 'idempotency-key': `${key}-${task}` },
      })
      if (!response.ok) throw new Error(`Parrot answered ${response.status}.`)
      setOutcome(await response.json())
      setKey(crypto.randomUUID())
    } catch {
      setOutcome({ message: 'Parrot did not answer. Trying again is safe: it is charged once.', ways: [] })
    } finally {
      setWorking(false)
    }
  }

  return (
    <section className="billfold-card">
      <h2 className="billfold-card-title">What shall Parrot do?</h2>
      <div className="tasks">
        {offered.map(([task, title, counts]) => (
          <button
            key={task}
            type="button"
            disabled={isWorking}
            onClick={() => void work(task)}
            className="billfold-button billfold-button-secondary"
          >
            {title} <span className="quiet">{counts}</span>
          </button>
        ))}
      </div>
      <div role="status">
        {outcome && (
          <div className={outcome.ways ? 'billfold-notice billfold-tone-danger' : 'billfold-notice'}>
            <div>
              <p>{outcome.message}</p>
              {outcome.ways && outcome.ways.length > 0 && (
                <ul className="ways">
                  {outcome.ways.map(({ words, address }) => (
                    <li key={words}>{address === null ? words : <a href={address}>{words}</a>}</li>
                  ))}
                </ul>
              )}
            </div>
          </div>
        )}
      </div>
    </section>
  )
}
