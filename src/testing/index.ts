export type { ConformanceCase } from './conformance.js'
export type { ProviderConformanceCase, ProviderConformanceSubject } from './provider-conformance/subject.js'
export { providerConformance } from './provider-conformance.js'
export type { SandboxFault } from './sandbox/faults.js'
export type { LagoWebhookControl } from './sandbox/lago/webhook-control.js'
export type { LagoWebhook } from './sandbox/lago/webhooks.js'
export type { ModelReply } from './sandbox/models/reply.js'
export { countModelTokens } from './sandbox/models/tokens.js'
export type { ModelCall, ModelControl, ModelKeys } from './sandbox/models/twin.js'
export type { Sandbox, SandboxOptions } from './sandbox/sandbox.js'
export { sandbox } from './sandbox/sandbox.js'
export type { DeliveryAttempt } from './sandbox/stripe/deliveries.js'
export type { EmittedEvent, WebhookControl } from './sandbox/stripe/webhook-control.js'
export type {
  StoreConformanceCase,
  StoreConformanceNeed,
  StoreConformanceOptions,
  StoreConformanceSubject,
} from './store-conformance/subject.js'
export { storeConformance } from './store-conformance.js'
