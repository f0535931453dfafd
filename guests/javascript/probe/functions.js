import { invoke, invokeAsync } from "wasm-faas";
import { decode, encode, snake } from "./results.js";

function optionsOf({ content_type, attributes, type, subject, delay_ms, deduplication_id }) {
  return { contentType: content_type, attributes, type, subject, delayMs: delay_ms, deduplicationId: deduplication_id };
}

function answerOf({ status, contentType, attributes, data }) {
  return snake({ status, contentType, attributes: Object.fromEntries(attributes), data: encode(data) });
}

/** The answer's `{ code, detail }` of an `InvokeError`. */
export function invokeErrorOf({ code, reason, afterMs }) {
  return { code, detail: code === "retry" ? { reason, after_ms: afterMs } : reason };
}

export const functions = {
  "functions.invoke": (step) => answerOf(invoke(step.function, decode(step.data), optionsOf(step))),
  "functions.invoke_async": (step) => invokeAsync(step.function, decode(step.data), optionsOf(step)),
};
