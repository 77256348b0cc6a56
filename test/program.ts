import { rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { entries } from '../scripts/entries.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = new Map<string, Promise<string>>()

/** A TypeScript program as one file that Node starts at once: translating it anew would take seconds of each process. */
export function programOf(source: URL): Promise<string> {
  const known = programs.get(source.href)
  if (known) return known
  const program = bundled(fileURLToPath(source))
  programs.set(source.href, program)
  return program
}

async function bundled(source: string): Promise<string> {
  // Within the package, so that what is installed is found.
  const folder = join(root, 'node_modules', '.billfold-programs')
  await mkdir(folder, { recursive: true })
  const outfile = join(folder, `${basename(source, '.ts')}-${process.pid}.mjs`)
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [
      {
        name: 'sources',
        setup(plugin) {
          plugin.onResolve({ filter: /^[^./]/ }, ({ path }) => {
            const entry = entries.find(({ name }) => name === path)
            if (entry) return { path: join(root, entry.source) }
            return { path, external: true }
          })
        },
      },
    ],
  })
  process.once('exit', () => rmSync(outfile, { force: true }))
  return outfile
}
