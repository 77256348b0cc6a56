import { randomUUID } from 'node:crypto'
import type { Journal, Table } from '../journal.js'

/** Where Lago keeps events: PostgreSQL refuses one that it has, ClickHouse takes it again and answers 200. */
export type EventStore = 'postgres' | 'clickhouse'

/** What every part of the Lago twin works with. */
export interface LagoWorld {
  readonly journal: Journal
  /** Sandbox time in milliseconds. */
  readonly now: () => number
  /** Absolute address of a hosted page. */
  readonly pageUrl: (path: string) => string
  readonly merchantName: string
  readonly eventStore: EventStore
  /** The organization's key for webhooks that are signed by HMAC. */
  readonly hmacKey: string
}

/** All rows belong to one organization. */
export const organizationId = '0f1e2d3c-4b5a-4968-8776-655443322110'

/** Names a table once; the row type belongs to the file of the resource. */
export function tableOf<Row>(name: string): (world: LagoWorld) => Table<Row> {
  return (world) => world.journal.table<Row>(`lago.${name}`)
}

/** Lago's own ids. */
export function newLagoId(): string {
  return randomUUID()
}

/** A moment as Lago writes it: to the second, in UTC. */
export function isoTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms)
}
