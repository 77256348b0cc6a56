/** Ends the process with one line about why it cannot start. */
export function fail(error: unknown): never {
  console.error(wordsFor(error))
  process.exit(1)
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, port } = error as NodeJS.ErrnoException & { readonly port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is taken: set PORT to another one, or to 0 for any.`
  return error.message.replace(/\s*\n\s*/g, ' ')
}
