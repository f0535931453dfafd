import { Bucket, Queue, Rejected } from "wasm-faas";

/** Adds to a sale what it cost. */
export function handle(event) {
  const sale = event.json();
  const price = Bucket.open("prices").get(sale.what);
  if (price === null) throw new Rejected(`nobody sells ${sale.what}`);
  Queue.open("enriched").send(JSON.stringify({ ...sale, cost: sale.count * Number(price.text()) }));
}
