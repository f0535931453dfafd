import { context as invocation, log } from "wasm-faas";
import { encode, snake } from "./results.js";

export const context = {
  "context.current": () => snake(invocation.current()),
  "context.remaining_time_ms": () => invocation.remainingTimeMs(),
  "context.remaining_fuel": () => invocation.remainingFuel(),
  "context.now_ms": () => invocation.nowMs(),
  "context.random": ({ count }) => encode(invocation.randomBytes(count)),
  "context.sleep": ({ duration_ms: durationMs }) => invocation.sleep(durationMs),
  "context.log": ({ level, message, fields }) => log[level](message, fields),
};
