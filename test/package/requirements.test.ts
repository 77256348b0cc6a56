import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  idsIn,
  requirements,
  requirementsPage,
  testsByRequirement,
  titlesIn,
  withRequirements,
} from '../../scripts/requirements.mjs'

const root = process.cwd()

describe('docs/requirements.md', () => {
  it('is what `npm run requirements` writes', () => {
    expect(readFileSync(join(root, 'docs/requirements.md'), 'utf8')).toBe(requirementsPage(root))
  })

  it('and the states in the README are what it writes', () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    expect(readme).toContain('<!-- requirements:')
    expect(readme).toBe(withRequirements(readme))
  })

  it('calls nothing built that no test names, and says what is missing from what is in part', () => {
    const tests = testsByRequirement(root)
    for (const [id, { state, missing }] of Object.entries(requirements)) {
      expect(['built', 'in part', 'not yet'], id).toContain(state)
      if (state === 'built') expect(tests.get(id)?.size, id).toBeGreaterThan(0)
      expect(missing !== undefined, id).toBe(state === 'in part')
    }
  })

  it('lists every requirement once', () => {
    expect(Object.keys(requirements)).toHaveLength(44)
    const rows = requirementsPage(root).match(/^\| [CS][\d.]+ \|/gm)
    expect(rows).toEqual(Object.keys(requirements).map((id) => `| ${id} |`))
  })
})

describe('a test names a requirement', () => {
  it('by its ID as a word', () => {
    const known = { C8: '', 'S9.1': '', 'S9.12': '' }
    expect(idsIn('S9.1 and C8, (S9.12)', known)).toEqual(['S9.1', 'C8', 'S9.12'])
    expect(idsIn('S9.12 is another', known)).toEqual(['S9.12'])
    expect(idsIn('S9.19, XS9.1, S9.1.1, C88 and S9.2 are none', known)).toEqual([])
  })

  it('in the title of a test or suite, however it is called', () => {
    const code = [
      "describe('a', () => {})",
      'it(`b`, () => {})',
      "it.each([f(1)])('c', () => {})",
      "test.skipIf(true)('d', () => {})",
      "it.skip('skipped', () => {})",
      "it.todo('to do')",
      "other('no title')",
    ].join('\n')
    expect(titlesIn('test/x.test.ts', code)).toEqual(['a', 'b', 'c', 'd'])
  })

  it('in the name of a conformance case', () => {
    expect(titlesIn('src/testing/x.ts', "export const cases = [{ name: 'a', run() {} }]\nit('b')")).toEqual(['a'])
  })
})
