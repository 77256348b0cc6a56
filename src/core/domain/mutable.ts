/** The same with fields that may be assigned. */
export type Mutable<T> = { -readonly [Field in keyof T]: T[Field] }
