export type { EgressOptions } from './egress.js'
export { type OutgoingWebhook, payloadVersion } from './payload.js'
export { retryDelaysMs } from './schedule.js'
export { type SendWebhooksOptions, sendWebhooks, type WebhookEndpoint } from './send-webhooks.js'
