/** How often each thing is done: `npm run proof` does it in full, `npm test` often enough to notice. */
export const counts =
  process.env.BILLFOLD_PROOF === 'full'
    ? { rounds: 50, rareRounds: 50, cuts: 500, kills: 200, restarts: 10, replaySpeed: 100, timeoutMs: 900_000 }
    : { rounds: 10, rareRounds: 3, cuts: 200, kills: 40, restarts: 2, replaySpeed: 1_000, timeoutMs: 120_000 }
