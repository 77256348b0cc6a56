import type { GatewayError } from '../gateway-error.js'

/** Errors as OpenAI writes them. @see platform.openai.com/docs/guides/error-codes */
export function openaiErrorBody({ status, code, message, facts }: GatewayError): unknown {
  const { param = null, ...rest } = facts
  return { error: { message, type: typeOf(status, code), param, code, ...rest } }
}

export function openaiErrorEvent(error: GatewayError): string {
  return `data: ${JSON.stringify(openaiErrorBody(error))}\n\n`
}

function typeOf(status: number, code: string): string {
  if (code === 'insufficient_quota' || code === 'insufficient_funds') return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}
