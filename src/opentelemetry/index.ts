export { type BillingTelemetry, type OpenTelemetryOptions, openTelemetry } from './open-telemetry.js'
