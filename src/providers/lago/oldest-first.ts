/** By time, and of the same second by id: everybody who looks finds the same one first. */
export function oldestFirst<Row extends { readonly created_at: string; readonly lago_id: string }>(
  rows: readonly Row[],
): readonly Row[] {
  const placeOf = ({ created_at: at, lago_id: id }: Row) => `${at} ${id}`
  return rows.toSorted((left, right) => placeOf(left).localeCompare(placeOf(right)))
}
