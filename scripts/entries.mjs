import { readFileSync } from 'node:fs'

const { compilerOptions } = JSON.parse(readFileSync(new URL('../tsconfig.json', import.meta.url), 'utf8'))

/**
 * Every public entry of the package. tsconfig's `paths` is the one list: the build, the tests' aliases and the package
 * tests are made from it, and a test compares it with the `exports` of package.json and the entry points of typedoc.
 *
 * @type {readonly { readonly name: string, readonly source: string, readonly output: string }[]}
 * `name` is what an app imports, `source` the file behind it, `output` its path in dist without an extension.
 */
export const entries = Object.entries(compilerOptions.paths).map(([name, sources]) => ({
  name,
  source: sources[0].replace('./', ''),
  output: name === 'billfold' ? 'index' : name.replace('billfold/', ''),
}))
