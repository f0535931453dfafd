// For handlers of batches.

import { inspect, isError } from "./web/format.js";

/**
 * Handles each event for itself: `return each(events, (event) => { ... })`. The answers of a batch handler, an error where
 * `handle` threw one.
 */
export function each(events, handle) {
  return events.map((event) => {
    try {
      const result = handle(event);
      return isThenable(result) ? new TypeError("`each` takes a plain function, it got a promise") : null;
    } catch (thrown) {
      return isError(thrown) ? thrown : new Error(typeof thrown === "string" ? thrown : inspect(thrown));
    }
  });
}

/** Whether it is a promise, or can pass for one. */
export function isThenable(value) {
  return typeof value?.then === "function";
}
