// What a function's author imports.

export { Event, Response } from "./event.js";
export * from "./errors.js";
export { Bucket } from "./kv.js";
export { Queue } from "./queue.js";
export { Topic } from "./topic.js";
export { Container } from "./blob.js";
export { invoke, invokeAsync } from "./functions.js";
export { each } from "./batch.js";
export * as config from "./config.js";
export * as context from "./context.js";
export * as log from "./log.js";
