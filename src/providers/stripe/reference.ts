import * as z from 'zod'

/** Another object in an answer: its id, or the object itself where it was expanded. Read as the id. */
export const reference = z
  .union([z.string(), z.object({ id: z.string() })])
  .transform((given) => (typeof given === 'string' ? given : given.id))
