// The console writes to the function's log.

import * as log from "../log.js";
import { isServing } from "../host.js";
import { format, stackOf } from "./format.js";

const counts = new Map();
const timers = new Map();

// While the module's top level runs, at build time, there is no log; those lines are dropped.
function writer(level) {
  return (...values) => {
    if (isServing()) {
      log[level](format(values));
    }
  };
}

const info = writer("info");
const warn = writer("warn");
const error = writer("error");

export const console = {
  log: info,
  info,
  debug: writer("debug"),
  warn,
  error,
  dir: (value) => info(value),
  table: (value) => info(value),
  group: (...label) => info(...label),
  groupCollapsed: (...label) => info(...label),
  groupEnd() {},
  trace(...values) {
    writer("debug")(stackOf(Object.assign(new Error(format(values)), { name: "Trace" })));
  },
  assert(condition, ...values) {
    if (!condition) {
      error("assertion failed", ...values);
    }
  },
  count(label = "default") {
    counts.set(label, (counts.get(label) ?? 0) + 1);
    info(`${label}: ${counts.get(label)}`);
  },
  countReset(label = "default") {
    counts.delete(label);
  },
  time(label = "default") {
    timers.set(label, performance.now());
  },
  timeLog(label = "default", ...values) {
    info(`${label}: ${(performance.now() - timers.get(label)).toFixed(3)} ms`, ...values);
  },
  timeEnd(label = "default") {
    console.timeLog(label);
    timers.delete(label);
  },
};
