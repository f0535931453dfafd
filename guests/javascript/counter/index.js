import { Bucket, Queue, Response } from "wasm-faas";

export function handle(event) {
  const count = Bucket.open("visits").increment(event.subject ?? "total");
  Queue.open("counts").send(String(count));
  return Response.json({ count });
}
