import type { Able } from '../config.js'
import { shadowDestination, shadowPrefix } from '../domain/ledger/told.js'

const prefix = 'tracing:'

/** Where traces for a provider wait, apart from what the same provider may be told as a meter. */
export function tracingDestination(providerId: string): string {
  return `${prefix}${providerId}`
}

/** The provider behind a destination, whichever part it plays. */
export function providerOf(destination: string): string {
  const part = partOf(destination)
  return part === 'metering' ? destination : destination.slice((part === 'tracing' ? prefix : shadowPrefix).length)
}

/** What a provider is told at a destination: usage that it collects, usage that another one does, or traces. */
export function partOf(destination: string): 'metering' | 'shadow' | 'tracing' {
  if (destination.startsWith(prefix)) return 'tracing'
  return destination.startsWith(shadowPrefix) ? 'shadow' : 'metering'
}

/** Where usage for a provider waits: what it collects, and apart from that what another one does. */
export function meteringDestinations({ id, metering }: Able<'metering'>): readonly string[] {
  return metering.takesShadows ? [id, shadowDestination(id)] : [id]
}
