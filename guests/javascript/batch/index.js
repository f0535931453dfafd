import { AccessDenied, Bucket, each, Rejected, Retry } from "wasm-faas";
import { sleep } from "wasm-faas:function/context@0.1.0";

/** Does what the data of each event says: `ok`, `reject`, `retry` or `trap`; counts in the bucket `seen`, where it may. */
export function handleBatch(events) {
  count(events.length);
  return each(events, answer);
}

function count(events) {
  try {
    const seen = Bucket.open("seen");
    seen.increment("batches");
    seen.increment("events", events);
  } catch (error) {
    if (!(error instanceof AccessDenied)) {
      throw error;
    }
  }
}

function answer(event) {
  switch (event.text()) {
    case "ok":
      return;
    case "reject":
      throw new Rejected("rejected on request");
    case "retry":
      throw new Retry("not now");
    case "trap":
      // The raw binding does not check what it is given.
      sleep("not a number");
      return;
    default:
      throw new Error(`no such answer: ${event.text()}`);
  }
}
