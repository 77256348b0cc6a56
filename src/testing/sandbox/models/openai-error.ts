/** An error as OpenAI and those who answer like it write it. */
export function openaiRefusal(status: number, message: string): unknown {
  return { error: { message, type: types[status] ?? 'server_error', param: null, code: codes[status] ?? null } }
}

const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'invalid_request_error',
  403: 'invalid_request_error',
  404: 'invalid_request_error',
  429: 'requests',
}
const codes: Readonly<Record<number, string>> = {
  401: 'invalid_api_key',
  404: 'model_not_found',
  429: 'rate_limit_exceeded',
}
