// Bodies and attributes: what authors give becomes bytes, media types and lists of pairs.

import { Invalid } from "./errors.js";
import { string } from "./host.js";

const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Bytes as text: UTF-8, with U+FFFD for what is not. */
export function text(bytes) {
  return decoder.decode(bytes);
}

/** Text as UTF-8. */
export function utf8(string) {
  return encoder.encode(string);
}

/** `{ data, contentType }` of any value: text, bytes, nothing (no media type), or else JSON. */
export function body(value) {
  if (typeof value === "string") {
    return { data: utf8(value), contentType: TEXT };
  }
  if (value === undefined || value === null) {
    return { data: new Uint8Array(0), contentType: undefined };
  }
  const raw = rawBytes(value);
  return raw === null ? json(value) : { data: raw, contentType: BYTES };
}

/** `{ data, contentType }` of a value as JSON. */
export function json(value) {
  const document = JSON.stringify(value);
  if (document === undefined) {
    throw new TypeError(`a ${typeof value} cannot be written as JSON`);
  }
  return { data: utf8(document), contentType: JSON_TYPE };
}

/** The same for a stored value or a message: bytes stay without a media type, for nothing is known of them. */
export function payload(value) {
  const { data, contentType } = body(value);
  return { data, contentType: contentType === BYTES ? undefined : contentType };
}

/** The bytes behind a typed array, view or buffer, not copied; null for anything else. */
export function rawBytes(value) {
  if (value instanceof Uint8Array) {
    return value;
  }
  if (ArrayBuffer.isView(value)) {
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]" ? new Uint8Array(value) : null;
}

/** The contract's attributes of an object (a value may be an array, for a name that comes more than once) or of pairs. */
export function toAttributes(source) {
  if (source === undefined || source === null) {
    return [];
  }
  const pairs = typeof source[Symbol.iterator] === "function" ? [...source] : Object.entries(source).flatMap(spread);
  return pairs.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) {
      throw new Invalid("attributes must be an object or pairs of a name and a value");
    }
    return { name: string("attribute name", pair[0]), value: string(`attribute ${pair[0]}`, pair[1]) };
  });
}

function spread([name, value]) {
  return Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]];
}

/** An object of the contract's attributes; of a name that comes more than once, the last value. */
export function fromAttributes(attributes) {
  return Object.fromEntries(attributes.map(({ name, value }) => [name, value]));
}

/** Pairs of a name and a value, in order: `[["page", "2"], ["tag", "a"], ["tag", "b"]]`. */
export class Pairs extends Array {
  // So that `map` and `filter` give plain arrays.
  static get [Symbol.species]() {
    return Array;
  }

  /** The first value of this name, null when there is none. */
  get(name) {
    const found = this.find((pair) => pair[0] === name);
    return found === undefined ? null : found[1];
  }

  /** Every value of this name, in order. */
  getAll(name) {
    return this.filter((pair) => pair[0] === name).map((pair) => pair[1]);
  }
}

export function fromPairs(attributes) {
  const pairs = new Pairs();
  for (const { name, value } of attributes) {
    pairs.push([name, value]);
  }
  return pairs;
}
