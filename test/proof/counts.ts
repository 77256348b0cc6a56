/** How often each thing is done: `npm run proof` does it in full, `npm test` often enough to notice. */
export const counts =
  process.env.BILLFOLD_PROOF === 'full'
    ? {
        rounds: 50,
        orders: 720,
        rareRounds: 50,
        cuts: 500,
        kills: 200,
        restarts: 10,
        replaySpeed: 100,
        timeoutMs: 900_000,
        meteredEvents: 10_000,
        reconciledSeeds: 500,
        pulls: 25,
        operations: 1_000_000,
        modelOnMemory: 2_000,
        modelOnSqlite: 2_000,
        modelOnPostgres: 2_000,
        modelTimeoutMs: 3_600_000,
      }
    : {
        rounds: 10,
        orders: 12,
        rareRounds: 3,
        cuts: 200,
        kills: 40,
        restarts: 2,
        replaySpeed: 1_000,
        timeoutMs: 120_000,
        meteredEvents: 600,
        reconciledSeeds: 2,
        pulls: 3,
        operations: 60_000,
        modelOnMemory: 150,
        modelOnSqlite: 50,
        modelOnPostgres: 20,
        modelTimeoutMs: 120_000,
      }
