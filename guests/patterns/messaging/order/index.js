import { Queue, Rejected, Response } from "wasm-faas";

/** Takes an order and answers at once; it is billed when its turn comes. */
export function handle(event) {
  const { card, amount } = event.json();
  if (typeof card !== "string" || !Number.isInteger(amount)) throw new Rejected("an order has a `card` and an `amount`");
  const { id } = Queue.open("orders").send(JSON.stringify({ card, amount }));
  return Response.json({ order: id }, { status: 202 });
}
