import { existsSync, statSync } from 'node:fs'
import { expect, it } from 'vitest'

it('C2 the tree has the folders and files its readers look for', () => {
  const folders = ['src/core', 'src/providers', 'src/adapters', 'examples', 'test', 'docs']
  const files = ['package.json', 'tsconfig.json', 'tsup.config.ts', 'README.md', 'LICENSE', 'CHANGELOG.md', '.ci/run']
  expect(folders.filter((path) => !existsSync(path) || !statSync(path).isDirectory())).toEqual([])
  expect(files.filter((path) => !existsSync(path) || !statSync(path).isFile())).toEqual([])
})
