// Compiled, never run: the declarations as an author uses them.

import {
  Bucket,
  config,
  Conflict,
  Container,
  context,
  each,
  invoke,
  invokeAsync,
  InvokeError,
  log,
  Queue,
  Rejected,
  Response,
  Retry,
  ServiceError,
  Topic,
} from "wasm-faas";
import type { BatchHandler, Event, Handler } from "wasm-faas";

interface Order {
  id: string;
  total: number;
}

export const handle: Handler = async (event: Event) => {
  const order = event.json<Order>();
  const bucket = Bucket.open("orders");
  const version: number = bucket.set(order.id, order, { ifAbsent: true, ttlMs: 60_000 });
  const stored: Order | undefined = bucket.get(order.id)?.json<Order>();
  bucket.transact([{ check: "a", ifVersion: version }, { set: "b", value: "text" }, { delete: "c" }]);
  for (const key of bucket.keys("order/")) {
    log.info("found", { key, version });
  }
  Topic.open("orders").publish(order, { attributes: { kind: "new", tag: ["a", "b"] } });
  const [message] = Queue.open("work").receive({ max: 10, waitMs: 1000 });
  message?.acknowledge();
  for (const answer of Queue.open("work").sendBatch([{ body: order, delayMs: 5 }])) {
    log.debug(answer.status === "fulfilled" ? answer.value.id : answer.reason.code);
  }
  const writer = Container.open("files").writer("big", { contentType: "text/csv" });
  writer.write("a,b\n");
  const size: number = writer.finish().size;
  for (const piece of Container.open("files").reader("big")) {
    log.trace("piece", { length: piece.length, size });
  }
  return Response.json({ stored, setting: config.get("mode"), left: context.remainingTimeMs() }, { status: 201 });
};

export function routes(event: Event): string | null {
  return event.trigger.kind === "http" ? event.trigger.query.get("page") : null;
}

export function errors(error: unknown): never {
  if (error instanceof Conflict || (error instanceof ServiceError && error.code === "unavailable")) {
    throw new Retry(error.message, { afterMs: 500 });
  }
  throw new Rejected("no");
}

export const handleBatch: BatchHandler = (events) => each(events, (event) => log.info(event.text()));

export function bill(order: Order): number {
  try {
    const id: string = invokeAsync("archive", order, { delayMs: 5, deduplicationId: order.id }).id;
    return invoke("bill", order, { subject: id }).json<Order>().total;
  } catch (error) {
    throw error instanceof InvokeError && error.code === "rejected" ? new Rejected(error.reason) : error;
  }
}

// @ts-expect-error a bucket is opened, not constructed
new Bucket("orders");
// @ts-expect-error the method is "get" or "put"
Container.open("files").presign("head", "key", 1000);
// @ts-expect-error there is no such option
Bucket.open("orders").set("key", "value", { ttl: 5 });
// @ts-expect-error what is left for later has no response
invokeAsync("bill").json();
// @ts-expect-error a symbol is no result
export const wrong: Handler = () => Symbol("x");
