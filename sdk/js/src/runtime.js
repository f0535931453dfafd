// What the build puts around an author's handler. Not for authors.

import "./web/install.js";
import { Rejected, Retry } from "./errors.js";
import { Event, toRawResponse } from "./event.js";
import { releaseAll } from "./handles.js";
import { beginServing, toWide } from "./host.js";
import * as log from "./log.js";
import { inspect, isError } from "./web/format.js";
import { runToEnd } from "./web/timers.js";

/** The contract's handler of an author's plain function. */
export function serve(handle) {
  return (raw) => {
    beginServing(raw.timeMs);
    try {
      return toRawResponse(refusePromise(handle(new Event(raw))));
    } catch (thrown) {
      throw failure(thrown);
    } finally {
      releaseAll();
    }
  };
}

/** The contract's handler of an author's async function. StarlingMonkey has an event loop; QuickJS runs ours. */
export function serveAsync(handle) {
  const run = globalThis.wit === undefined ? (start) => start() : runToEnd;
  return async (raw) => {
    beginServing(raw.timeMs);
    try {
      return toRawResponse(await run(async () => handle(new Event(raw))));
    } catch (thrown) {
      throw failure(thrown);
    } finally {
      releaseAll();
    }
  };
}

/** What the world that the build makes exports besides, for its type's sake: see `web/turn.js`. Nothing calls it. */
export const turns = {
  turn() {
    throw new Error("`turns` is not to be called");
  },
};

function refusePromise(result) {
  if (typeof result?.then === "function") {
    throw new TypeError(
      'the handler returned a promise: declare it `async`, or set `"wasm-faas": { "async": true }` in package.json',
    );
  }
  return result;
}

// What the contract's result carries when a handler throws. Whatever was thrown, this does not throw in turn.
function failure(thrown) {
  if (thrown instanceof Rejected) {
    return { tag: "rejected", val: reasonOf(thrown) };
  }
  if (thrown instanceof Retry) {
    return retry(reasonOf(thrown), thrown.afterMs);
  }
  log.error(isError(thrown) ? thrown : `uncaught: ${reasonOf(thrown)}`);
  return retry(reasonOf(thrown), null);
}

function reasonOf(thrown) {
  const reason = isError(thrown) ? thrown.message || thrown.name : thrown;
  return (typeof reason === "string" ? reason : inspect(reason)).toWellFormed();
}

function retry(reason, afterMs) {
  const wait = Math.ceil(afterMs ?? Number.NaN);
  return { tag: "retry", val: { reason, afterMs: Number.isSafeInteger(wait) && wait >= 0 ? toWide(wait) : undefined } };
}
