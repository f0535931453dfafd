// What messages of queues and topics have in common.

import { payload, toAttributes } from "./data.js";
import { Invalid } from "./errors.js";
import { optionalString } from "./host.js";

/** The contract's message without what only queues have. A text or JSON body brings its media type along. */
export function toRawMessage(body, options = {}) {
  const { data, contentType } = payload(body);
  return {
    body: data,
    contentType: optionalString("contentType", options.contentType ?? contentType),
    attributes: toAttributes(options.attributes),
    group: optionalString("group", options.group),
    deduplicationId: optionalString("deduplicationId", options.deduplicationId),
  };
}

/** Each of `messages`, `{ body, ...options }`, through `convert(body, options)`. */
export function toRawMessages(messages, convert) {
  if (!Array.isArray(messages)) {
    throw new Invalid("`messages` must be an array of `{ body, ...options }`");
  }
  return messages.map((message) => convert(message?.body, message));
}

/** `{ id, duplicate }`. */
export function accepted({ id, duplicate }) {
  return { id, duplicate };
}
