// What a handler gets and what it gives back.

import { body, fromAttributes, fromPairs, json, rawBytes, text, toAttributes } from "./data.js";
import { fromWide, integer, optionalString, orNull } from "./host.js";

/** Something that happened; `source` and `id` together identify it, and both stay the same on every retry. */
export class Event {
  /** Of the contract's record. */
  constructor(raw) {
    this.id = raw.id;
    this.source = raw.source;
    this.type = raw.type;
    this.subject = orNull(raw.subject);
    this.timeMs = fromWide(raw.timeMs);
    this.contentType = orNull(raw.contentType);
    this.attributes = fromAttributes(raw.attributes);
    this.trigger = trigger(raw.trigger);
    this.data = raw.data;
  }

  /** When it happened. */
  get time() {
    return new Date(this.timeMs);
  }

  /** The data as UTF-8 text. */
  text() {
    return text(this.data);
  }

  /** The data as JSON; throws a `SyntaxError` when it is not. */
  json() {
    return JSON.parse(this.text());
  }
}

function trigger({ tag, val }) {
  const convert = TRIGGERS[tag];
  return { kind: tag, ...convert?.(val) };
}

const TRIGGERS = {
  http: (request) => ({
    method: request.method,
    path: request.path,
    route: orNull(request.route),
    parameters: fromPairs(request.parameters),
    query: fromPairs(request.query),
    headers: fromPairs(request.headers),
  }),
  queue: delivery,
  topic: delivery,
  schedule: (tick) => ({ schedule: tick.schedule, plannedMs: fromWide(tick.plannedMs) }),
  blob: (change) => ({
    container: change.container,
    key: change.key,
    change: change.kind,
    etag: orNull(change.etag),
    size: fromWide(change.size),
  }),
  kv: (change) => ({
    bucket: change.bucket,
    key: change.key,
    change: change.kind,
    version: fromWide(change.version),
  }),
};

function delivery(raw) {
  return {
    source: raw.source,
    messageId: raw.messageId,
    receiveCount: raw.receiveCount,
    sentAtMs: fromWide(raw.sentAtMs),
    firstReceivedAtMs: fromWide(raw.firstReceivedAtMs),
    group: orNull(raw.group),
  };
}

/** A handler's answer, or another function's. `value` is text, bytes, nothing, or anything JSON can say. */
export class Response {
  constructor(value, options) {
    const { data, contentType } = body(value);
    this.#fill(data, contentType, options);
  }

  /** Any value as JSON, text too. */
  static json(value, options) {
    const { data, contentType } = json(value);
    return new Response(data, { contentType, ...options });
  }

  /** Text, as `text/plain; charset=utf-8`. */
  static text(value, options) {
    return new Response(String(value), options);
  }

  /** Bytes, as `application/octet-stream` unless `options.contentType` says what they are. */
  static bytes(value, options) {
    const data = rawBytes(value);
    if (data === null) {
      throw new TypeError("`Response.bytes` takes a Uint8Array, another view or an ArrayBuffer");
    }
    return new Response(data, options);
  }

  /** The data as UTF-8 text. */
  text() {
    return text(this.data);
  }

  /** The data as JSON; throws a `SyntaxError` when it is not. */
  json() {
    return JSON.parse(this.text());
  }

  #fill(data, inferred, { status = null, contentType = inferred, attributes = {} } = {}) {
    this.data = data;
    this.status = status;
    this.contentType = orNull(contentType);
    this.attributes = attributes;
  }
}

/** The contract's record of whatever a handler returned. */
export function toRawResponse(result) {
  const response = result instanceof Response ? result : new Response(result);
  return {
    status: response.status === null ? undefined : integer("status", response.status, 100, 999),
    contentType: optionalString("contentType", response.contentType),
    attributes: toAttributes(response.attributes),
    data: response.data,
  };
}
