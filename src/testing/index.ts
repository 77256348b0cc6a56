export type { ConformanceCase } from './conformance.js'
export { providerConformance } from './provider-conformance.js'
export type { Sandbox, SandboxOptions } from './sandbox/sandbox.js'
export { sandbox } from './sandbox/sandbox.js'
