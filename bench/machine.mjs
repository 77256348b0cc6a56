import { cpus, freemem, release, totalmem, type } from 'node:os'

/** What the figures were taken on; names nobody's machine. @returns {Readonly<Record<string, string>>} */
export function machine() {
  const [first] = cpus()
  const gigabytes = (/** @type {number} */ bytes) => `${Math.round(bytes / 2 ** 30)} GB`
  return {
    processor: `${cpus().length} × ${first?.model.trim() ?? 'unknown'}`,
    memory: `${gigabytes(totalmem())}, ${gigabytes(freemem())} free`,
    system: `${type()} ${release()}`,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  }
}
