/** Runs once, before the first request: starts billing and what it delivers in the background, and ends both with the server. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME !== 'nodejs') return
  const { startParrot } = await import('./server/parrot')
  await startParrot()
}
