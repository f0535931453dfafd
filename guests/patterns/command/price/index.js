/** Adds up what the items of a basket cost. */
export function handle(event) {
  const total = event.json().reduce((sum, { count, price }) => sum + count * price, 0);
  return { total };
}
