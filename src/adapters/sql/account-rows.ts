import type { AccountRecord } from '../../core/ports/store.js'
import { nullable, number, rows, text } from './column.js'

/** The part of an account that says who it is. */
export const accountRows = rows<AccountRecord>('accounts', ['id'], {
  id: text(),
  email: nullable(text()),
  name: nullable(text()),
  plan: text(),
  createdAt: number,
})
