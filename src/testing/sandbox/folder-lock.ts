import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const held = new Set<string>()

/**
 * Takes a folder for this process and returns how to let go of it.
 *
 * The lock names a process. One left by a killed process is taken over, also when this process has got the same number,
 * as happens in containers.
 */
export function lockFolder(folder: string): () => void {
  mkdirSync(folder, { recursive: true })
  const path = resolve(join(folder, 'lock'))
  const owner = ownerOf(path)
  if (held.has(path) || (owner !== undefined && owner !== process.pid && isAlive(owner))) {
    throw new Error(
      `Another sandbox (process ${owner ?? process.pid}) is using ${folder}. Stop it, or use another folder.`,
    )
  }
  writeFileSync(path, String(process.pid))
  held.add(path)
  return () => {
    held.delete(path)
    rmSync(path, { force: true })
  }
}

function ownerOf(path: string): number | undefined {
  try {
    return Number.parseInt(readFileSync(path, 'utf8'), 10) || undefined
  } catch {
    return undefined
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
