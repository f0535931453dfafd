// Containers of blobs. Whole objects up to 8 MiB with `get` and `put`, larger ones in pieces with `reader` and `writer`.

import { Container as RawContainer } from "wasm-faas:function/blob@0.1.0";
import { fromAttributes, payload, text, toAttributes } from "./data.js";
import { Invalid } from "./errors.js";
import { Named, Owned } from "./handles.js";
import { fromWide, optionalString, optionalU64, orNull, settled, string, strings, u32, u64 } from "./host.js";

// The most that one read or write takes.
const PIECE = 1024 * 1024;

/** An object's data with its `info`. */
export class StoredObject {
  constructor(raw) {
    this.info = info(raw.info);
    this.data = raw.data;
  }

  text() {
    return text(this.data);
  }

  json() {
    return JSON.parse(this.text());
  }
}

export class Container {
  #handle;

  /** Use `Container.open`. */
  constructor(handle) {
    this.#handle = handle;
  }

  /** Throws `AccessDenied`, `NotFound`, `Unavailable`. */
  static open(name) {
    return new Container(new Named("container", name, (known) => RawContainer.open(known)));
  }

  get name() {
    return this.#handle.name;
  }

  /** `{ key, size, etag, contentType, modifiedMs, metadata }`, null when there is no such object. */
  head(key) {
    const found = orNull(this.#handle.call((raw) => raw.head(string("key", key))));
    return found === null ? null : info(found);
  }

  /** The object, or `{ start, length }` of it; null when there is none. Throws `TooLarge` over 8 MiB. */
  get(key, range) {
    const found = orNull(this.#handle.call((raw) => raw.get(string("key", key), toRawRange(range))));
    return found === null ? null : new StoredObject(found);
  }

  /**
   * Stores a whole object of at most 8 MiB and returns its info. Options: `contentType`, `metadata`, `ifAbsent`, `ifMatch`
   * (an etag); it throws `Conflict`, and changes nothing, when the condition does not hold.
   */
  put(key, data, options = {}) {
    const { data: bytes, contentType } = payload(data);
    return info(
      this.#handle.call((raw) => raw.put(string("key", key), bytes, toRawOptions({ contentType, ...options }))),
    );
  }

  /** Within the container. Throws `NotFound`, `Conflict`. */
  copy(source, destination, options = {}) {
    return info(
      this.#handle.call((raw) =>
        raw.copy(string("source", source), string("destination", destination), condition(options)),
      ),
    );
  }

  /** True when there was one. */
  delete(key, options = {}) {
    return this.#handle.call((raw) => raw.delete(string("key", key), condition(options)));
  }

  /** 1 to 1,000 keys; an answer for each, as with `Promise.allSettled`. */
  deleteMany(keys) {
    const answers = this.#handle.call((raw) => raw.deleteMany(strings("keys", keys)));
    return settled(this.#handle.subject, answers, (deleted) => deleted);
  }

  /** One page, `{ objects, prefixes, cursor }`, of the objects whose key starts with `prefix`. */
  list(prefix = "", { delimiter, cursor, limit = 1000 } = {}) {
    const page = this.#handle.call((raw) =>
      raw.list(
        string("prefix", prefix),
        optionalString("delimiter", delimiter),
        optionalString("cursor", cursor),
        u32("limit", limit),
      ),
    );
    return { objects: page.objects.map(info), prefixes: page.prefixes, cursor: orNull(page.cursor) };
  }

  /** Every object whose key starts with `prefix`, page by page. */
  *objects(prefix = "") {
    let cursor = null;
    do {
      const page = this.list(prefix, { cursor });
      yield* page.objects;
      cursor = page.cursor;
    } while (cursor !== null);
  }

  /** Throws `NotFound`, `Invalid` for the range. */
  reader(key, range) {
    const reader = this.#handle.call((raw) => raw.reader(string("key", key), toRawRange(range)));
    return new Reader(new Owned(reader, this.#handle.subject));
  }

  /** An object of up to 5 GiB in pieces; options as for `put`. It appears at `finish`. */
  writer(key, options = {}) {
    const writer = this.#handle.call((raw) => raw.writer(string("key", key), toRawOptions(options)));
    return new Writer(new Owned(writer, this.#handle.subject));
  }

  /** A URL that lets its holder "get" or "put" this one object, for 1 second to 7 days. */
  presign(method, key, ttlMs) {
    if (method !== "get" && method !== "put") {
      throw new Invalid(`\`method\` must be "get" or "put", is \`${method}\``);
    }
    return this.#handle.call((raw) => raw.presign(method, string("key", key), u64("ttlMs", ttlMs)));
  }
}

/** Keeps seeing the object as it was when opened. Ends with its data, with `close`, and with the invocation. */
export class Reader {
  #handle;

  constructor(handle) {
    this.#handle = handle;
    this.info = info(handle.call((raw) => raw.info()));
  }

  /** At most `max` bytes, 1 MiB unless said and at most; empty at the end. */
  read(max = PIECE) {
    if (this.#handle.closed) {
      return new Uint8Array(0);
    }
    const piece = this.#handle.call((raw) => raw.read(u32("max", max)));
    if (piece.length === 0 && max > 0) {
      this.close();
    }
    return piece;
  }

  /** The pieces to the end. */
  *[Symbol.iterator]() {
    for (let piece = this.read(); piece.length > 0; piece = this.read()) {
      yield piece;
    }
  }

  /** Nothing more is read. */
  close() {
    this.#handle.close();
  }
}

/** Stores an object in pieces; without `finish` it stores nothing. */
export class Writer {
  #handle;

  constructor(handle) {
    this.#handle = handle;
  }

  /** Any amount of text or bytes; sent on in pieces of 1 MiB. */
  write(data) {
    const { data: bytes } = payload(data);
    for (let start = 0; start < bytes.length; start += PIECE) {
      this.#call((raw) => raw.write(bytes.subarray(start, start + PIECE)));
    }
  }

  /** Stores the object, durably, and returns its info. Once only. */
  finish() {
    const stored = info(this.#call((raw) => raw.finish()));
    this.close();
    return stored;
  }

  /** Gives it up: nothing is stored. */
  close() {
    this.#handle.close();
  }

  #call(operation) {
    if (this.#handle.closed) {
      throw new Invalid("the writer is finished or closed");
    }
    return this.#handle.call(operation);
  }
}

function info(raw) {
  return {
    key: raw.key,
    size: fromWide(raw.size),
    etag: raw.etag,
    contentType: orNull(raw.contentType),
    modifiedMs: fromWide(raw.modifiedMs),
    metadata: fromAttributes(raw.metadata),
  };
}

function toRawOptions(options) {
  return {
    contentType: optionalString("contentType", options.contentType),
    metadata: toAttributes(options.metadata),
    when: condition(options),
  };
}

function toRawRange(range) {
  if (range === undefined || range === null) {
    return undefined;
  }
  return { start: u64("start", range.start ?? 0), length: optionalU64("length", range.length) };
}

function condition({ ifAbsent = false, ifMatch = null }) {
  if (ifMatch !== null) {
    return { tag: "if-match", val: string("ifMatch", ifMatch) };
  }
  return { tag: ifAbsent ? "if-absent" : "always" };
}
