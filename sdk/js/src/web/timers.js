// The event loop of async handlers on QuickJS, with setTimeout and setInterval: between timers the instance sleeps in the
// host. Every host import is a plain call, so timers are all that can wake a handler.

import { sleep } from "../context.js";
import * as log from "../log.js";
import { format } from "./format.js";
import { turn } from "./turn.js";

// A turn of the loop takes a round trip through the host, some 30 us; most handlers are done before the first.
const QUICK_TURNS = 16;

const pending = new Map();
let running = false;
let lastId = 0;

/** Runs an async function, and timers until it settles; forgets those left then. Throws when it never can settle. */
export async function runToEnd(start) {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  running = true;
  try {
    const promise = start();
    promise.then(mark, mark);
    await quickTurns(() => settled);
    while (!settled) {
      await turn();
      if (!settled) {
        fireNext();
      }
    }
    return await promise;
  } finally {
    running = false;
    pending.clear();
  }
}

async function quickTurns(done) {
  for (let count = 0; count < QUICK_TURNS && !done(); count += 1) {
    await null;
  }
}

function fireNext() {
  if (pending.size === 0) {
    throw new Error("the handler never finishes: it awaits a promise that nothing is left to settle");
  }
  // Of those due at the same time, the one set first.
  const [id, timer] = [...pending].reduce((first, other) => (other[1].due < first[1].due ? other : first));
  const rest = timer.due - Date.now();
  if (rest > 0) {
    sleep(rest);
  }
  if (timer.repeats) {
    timer.due = Date.now() + Math.max(timer.wait, 1);
  } else {
    pending.delete(id);
  }
  fire(timer);
}

function fire({ callback, values }) {
  try {
    callback(...values);
  } catch (error) {
    log.error(format(["uncaught in a timer:", error]));
  }
}

export function setTimeout(callback, delay, ...values) {
  return add(callback, delay, values, false);
}

export function setInterval(callback, delay, ...values) {
  return add(callback, delay, values, true);
}

export function clearTimer(id) {
  pending.delete(id);
}

function add(callback, delay, values, repeats) {
  if (!running) {
    throw new Error("timers work only inside an async handler: write `export async function handle(event)`");
  }
  if (typeof callback !== "function") {
    throw new TypeError("a timer's callback must be a function");
  }
  const wait = Math.min(Math.max(Math.trunc(Number(delay)) || 0, 0), 0x7fffffff);
  lastId += 1;
  pending.set(lastId, { callback, values, wait, repeats, due: Date.now() + wait });
  return lastId;
}
