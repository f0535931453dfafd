// What the build puts around an author's handler. Not for authors.

import "./web/install.js";
import { isThenable } from "./batch.js";
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

/** The contract's batch handler of an author's plain function. */
export function serveBatch(handle) {
  return (raws) => {
    beginServing(raws[0]?.timeMs);
    try {
      return answers(handle(raws.map((raw) => new Event(raw))), raws.length);
    } catch (thrown) {
      return forAll(thrown, raws.length);
    } finally {
      releaseAll();
    }
  };
}

/** The contract's batch handler of an author's async function, on StarlingMonkey: QuickJS has no such export. */
export function serveBatchAsync(handle) {
  return async (raws) => {
    beginServing(raws[0]?.timeMs);
    try {
      return answers(await handle(raws.map((raw) => new Event(raw))), raws.length);
    } catch (thrown) {
      return forAll(thrown, raws.length);
    } finally {
      releaseAll();
    }
  };
}

// Nothing, or an array with an error where an event failed.
function answers(result, count) {
  if (result === undefined || result === null) {
    return Array.from({ length: count }, () => OK);
  }
  if (!Array.isArray(result) || result.length !== count) {
    throw new TypeError(`the batch handler must return nothing or an array of ${count}, an answer for each event`);
  }
  if (result.some(isThenable)) {
    throw new TypeError("the batch handler answered with a promise; its answers must be there when it returns");
  }
  return result.map((answer) => (isError(answer) ? { tag: "err", val: failure(answer) } : OK));
}

const OK = { tag: "ok", val: undefined };

// An error of the batch as a whole says nothing about any event: all of them are tried again.
function forAll(thrown, count) {
  const val = thrown instanceof Rejected ? retry(reasonOf(thrown), null) : failure(thrown);
  return Array.from({ length: count }, () => ({ tag: "err", val }));
}

/** What the world that the build makes exports besides, for its type's sake: see `web/turn.js`. Nothing calls it. */
export const turns = {
  turn() {
    throw new Error("`turns` is not to be called");
  },
};

function refusePromise(result) {
  if (isThenable(result)) {
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
