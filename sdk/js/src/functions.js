// Other functions of the same host, invoked by name.

import * as raw from "wasm-faas:function/functions@0.1.0";
import { fromPairs, payload, toAttributes } from "./data.js";
import { InvokeError } from "./errors.js";
import { Response } from "./event.js";
import { call, fromWide, optionalString, optionalU64, orNull, serviceError, string } from "./host.js";
import { accepted } from "./message.js";

/**
 * Invokes the function and waits for its `Response`; throws an `InvokeError` or a `ServiceError`. Options: `contentType`,
 * `attributes`, `type`, `subject`.
 */
export function invoke(name, data, options) {
  const subject = subjectOf(name);
  return call(subject, () => {
    try {
      return fromRawResponse(raw.invoke(name, toRawCall(data, options)));
    } catch (thrown) {
      throw invokeError(subject, thrown);
    }
  });
}

/**
 * Leaves the event for the function, which handles it later; returns `{ id, duplicate }` once it is stored. Options: those of
 * `invoke`, `delayMs` and `deduplicationId`.
 */
export function invokeAsync(name, data, options = {}) {
  return call(subjectOf(name), () => {
    const delay = optionalU64("delayMs", options.delayMs);
    const deduplicationId = optionalString("deduplicationId", options.deduplicationId);
    return accepted(raw.invokeAsync(name, toRawCall(data, options), delay, deduplicationId));
  });
}

function subjectOf(name) {
  return `function \`${string("name", name)}\``;
}

function toRawCall(value, options = {}) {
  const { data, contentType } = payload(value);
  return {
    data,
    contentType: optionalString("contentType", options.contentType ?? contentType),
    attributes: toAttributes(options.attributes),
    type: optionalString("type", options.type),
    subject: optionalString("subject", options.subject),
  };
}

function fromRawResponse({ status, contentType, attributes, data }) {
  const options = { status: orNull(status), contentType: orNull(contentType), attributes: fromPairs(attributes) };
  return Response.bytes(data, options);
}

// What the contract's `invoke-error` becomes: the author's error, or what a service throws.
function invokeError(subject, thrown) {
  const { tag, val } = thrown?.payload ?? thrown ?? {};
  switch (tag) {
    case "rejected":
    case "stopped":
      return new InvokeError(subject, tag, val);
    case "retry":
      return new InvokeError(subject, tag, val.reason, fromWide(val.afterMs));
    case "service":
      return serviceError(val) ?? thrown;
    default:
      return thrown;
  }
}
