import type { StatusWords } from './status.js'

/** What an app's catalog is called on the wire. */
export interface WireOptions {
  /** The words for the states of invoices and payments: of S4 (`open`, the default), S0 (`finalized`) or S3 (`pending`). */
  readonly statuses?: StatusWords
  /** The meters behind the figures of workflows, agents and storage. Default `workflows`, `agents` and `storage_gb`. */
  readonly meters?: { readonly workflows?: string; readonly agents?: string; readonly storage?: string }
  /** The dimensions of usage behind ids of tickets, tasks, agents and sandboxes. Default `ticket`, `task`, `agent` and `sandbox`. */
  readonly dimensions?: {
    readonly ticket?: string
    readonly task?: string
    readonly agent?: string
    readonly sandbox?: string
  }
}

/** The same, every choice made. */
export interface Wire {
  readonly statuses: StatusWords
  readonly meters: Readonly<Record<'workflows' | 'agents' | 'storage', string>>
  readonly dimensions: Readonly<Record<'ticket' | 'task' | 'agent' | 'sandbox', string>>
}

export function resolveWire({ statuses = 'open', meters = {}, dimensions = {} }: WireOptions = {}): Wire {
  return {
    statuses,
    meters: { workflows: 'workflows', agents: 'agents', storage: 'storage_gb', ...meters },
    dimensions: { ticket: 'ticket', task: 'task', agent: 'agent', sandbox: 'sandbox', ...dimensions },
  }
}

/** A moment as ISO 8601, or `null`. */
export function isoOrNull(date: Date | null): string | null {
  return date === null ? null : date.toISOString()
}
