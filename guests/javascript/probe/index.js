// The conformance driver: runs the steps that the event's data lists, through the SDK, and answers what each gave.

import { InvokeError, Response, ServiceError } from "wasm-faas";
import { blob } from "./blob.js";
import { config } from "./config.js";
import { context } from "./context.js";
import { event as events } from "./event.js";
import { functions, invokeErrorOf } from "./functions.js";
import { kv } from "./kv.js";
import { language } from "./language.js";
import { queue } from "./queue.js";
import { errorOf } from "./results.js";
import { topic } from "./topic.js";

const OPERATIONS = { ...kv, ...queue, ...topic, ...blob, ...functions, ...config, ...context, ...events, ...language };

export function handle(event) {
  return Response.json(event.json().map((step) => run(step, event)));
}

function run(step, event) {
  if (step.op === "lang.raise") {
    throw new Error("raised on request");
  }
  if (!Object.hasOwn(OPERATIONS, step.op)) {
    return { error: { code: "invalid", detail: `no such operation: ${step.op}` } };
  }
  try {
    return { ok: OPERATIONS[step.op](step, event) ?? null };
  } catch (error) {
    if (error instanceof ServiceError) {
      return { error: errorOf(error) };
    }
    if (error instanceof InvokeError) {
      return { error: invokeErrorOf(error) };
    }
    throw error;
  }
}
