/** What a piece of work counts. */
export type Work =
  | {
      readonly meter: 'ai_tokens'
      readonly model: 'parrot-mini' | 'parrot-large'
      readonly tokens: { readonly input: number; readonly output: number }
    }
  | { readonly meter: 'pictures'; readonly quantity: string }

/** What Parrot does, and what it says when it is done. What it counts is said here: whoever names the counts names the price. */
export const tasks: ReadonlyMap<string, { readonly work: Work; readonly done: string }> = new Map(
  Object.entries({
    phrase: {
      work: { meter: 'ai_tokens', model: 'parrot-mini', tokens: { input: 120, output: 80 } },
      done: 'Parrot said it again, three times.',
    },
    book: {
      work: { meter: 'ai_tokens', model: 'parrot-large', tokens: { input: 40_000, output: 2_000 } },
      done: 'Parrot read the book. It is about a pirate.',
    },
    picture: { work: { meter: 'pictures', quantity: '1' }, done: 'Parrot drew a palm tree.' },
  } as const),
)
