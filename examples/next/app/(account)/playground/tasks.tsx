'use client'

import Link from 'next/link'
import { type ReactNode, useActionState } from 'react'
import { type Outcome, work } from './actions'

const offered = [
  ['phrase', 'Say it again', '200 tokens'],
  ['book', 'Read a book', '42,000 tokens'],
  ['picture', 'Draw a picture', '1 picture'],
] as const

/** Buttons that use what is billed. */
export function Tasks({ firstKey }: { readonly firstKey: string }): ReactNode {
  const [outcome, submit, isWorking] = useActionState<Outcome, FormData>(work, {
    key: firstKey,
    message: null,
    ways: null,
  })
  return (
    <section className="billfold-card">
      <h2 className="billfold-card-title">What shall Parrot do?</h2>
      <form action={submit} className="tasks">
        {offered.map(([task, title, counts]) => (
          <button
            key={task}
            type="submit"
            name="task"
            value={task}
            disabled={isWorking}
            className="billfold-button billfold-button-secondary"
          >
            {title} <span className="quiet">{counts}</span>
          </button>
        ))}
      </form>
      <div role="status">
        {outcome.message !== null && (
          <div className={outcome.ways ? 'billfold-notice billfold-tone-danger' : 'billfold-notice'}>
            <div>
              <p>{outcome.message}</p>
              {outcome.ways && (
                <ul className="ways">
                  {outcome.ways.map(({ words, address }) => (
                    <li key={words}>{address === null ? words : <Link href={address}>{words}</Link>}</li>
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
