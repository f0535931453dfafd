// The function's log. A message and its fields are at most 16 KiB together and are cut there.

import { log as write } from "wasm-faas:function/context@0.1.0";
import { format } from "./web/format.js";

export function trace(message, fields) {
  line("trace", message, fields);
}

export function debug(message, fields) {
  line("debug", message, fields);
}

export function info(message, fields) {
  line("info", message, fields);
}

export function warn(message, fields) {
  line("warn", message, fields);
}

export function error(message, fields) {
  line("error", message, fields);
}

// Logging never throws: whatever is given is written as text.
function line(level, message, fields = {}) {
  const attributes = Object.entries(fields ?? {}).map(([name, value]) => ({
    name: name.toWellFormed(),
    value: format([value]).toWellFormed(),
  }));
  write(level, format([message]).toWellFormed(), attributes);
}
