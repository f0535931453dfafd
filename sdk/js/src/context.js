// The invocation this instance is serving now.

import * as raw from "wasm-faas:function/context@0.1.0";
import { fromWide, orNull, u32, u64 } from "./host.js";

/** `{ id, function, version, attempt, deadlineMs, memoryLimit, fuelLimit, traceparent }`. */
export function current() {
  const invocation = raw.current();
  return {
    id: invocation.id,
    function: invocation.function,
    version: invocation.version,
    attempt: invocation.attempt,
    deadlineMs: fromWide(invocation.deadlineMs),
    memoryLimit: fromWide(invocation.memoryLimit),
    fuelLimit: fromWide(invocation.fuelLimit),
    traceparent: orNull(invocation.traceparent),
  };
}

/** Milliseconds until the deadline; 0 when it has passed. */
export function remainingTimeMs() {
  return fromWide(raw.remainingTimeMs());
}

/** Fuel left; null where the function runs unmetered. */
export function remainingFuel() {
  return fromWide(raw.remainingFuel());
}

/** The host's wall clock. */
export function nowMs() {
  return fromWide(raw.nowMs());
}

/** `count` bytes from the operating system's random source, at most 65,536. */
export function randomBytes(count) {
  return raw.randomBytes(u32("count", count));
}

/** Suspends the whole instance for `durationMs`; ends early, with the invocation, at the deadline. */
export function sleep(durationMs) {
  raw.sleep(u64("durationMs", durationMs));
}
