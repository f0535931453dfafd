// Key-value buckets. Values are bytes, at most 512 KiB; text and JSON are converted on the way.

import { Bucket as RawBucket } from "wasm-faas:function/kv@0.1.0";
import { payload, text } from "./data.js";
import { Invalid } from "./errors.js";
import { Named } from "./handles.js";
import {
  fromWide,
  integer,
  optionalString,
  optionalU64,
  orNull,
  string,
  strings,
  toWide,
  u32,
  u64,
  withSigned,
} from "./host.js";

/** A value with its version, which grows with every write in the bucket. */
export class Entry {
  constructor(raw) {
    this.value = raw.value;
    this.version = fromWide(raw.version);
    this.expiresAtMs = fromWide(raw.expiresAtMs);
  }

  text() {
    return text(this.value);
  }

  json() {
    return JSON.parse(this.text());
  }
}

export class Bucket {
  #handle;

  /** Use `Bucket.open`. */
  constructor(handle) {
    this.#handle = handle;
  }

  /** Throws `AccessDenied`, `NotFound`, `Unavailable`. */
  static open(name) {
    return new Bucket(new Named("bucket", name, (known) => RawBucket.open(known)));
  }

  get name() {
    return this.#handle.name;
  }

  /** The entry, null when the key is absent or expired. */
  get(key) {
    return entry(this.#handle.call((raw) => raw.get(string("key", key))));
  }

  /** At most 100 keys; an entry or null for each, in order, all of one moment. */
  getMany(keys) {
    return this.#handle.call((raw) => raw.getMany(strings("keys", keys))).map(entry);
  }

  exists(key) {
    return this.#handle.call((raw) => raw.exists(string("key", key)));
  }

  /**
   * Writes and returns the new version. `ttlMs` is 1 ms to 10 years, without it the key does not expire. With `ifAbsent`
   * or `ifVersion` it throws `Conflict`, and changes nothing, when the condition does not hold.
   */
  set(key, value, options = {}) {
    const version = this.#handle.call((raw) =>
      raw.set(string("key", key), payload(value).data, optionalU64("ttlMs", options.ttlMs), condition(options)),
    );
    return fromWide(version);
  }

  /** True when a key was there. `ifVersion` as for `set`. */
  delete(key, options = {}) {
    return this.#handle.call((raw) => raw.delete(string("key", key), condition(options)));
  }

  /**
   * Adds to a counter and returns the sum, exact up to 2^53; an absent key counts as 0. With `ttlMs` the expiry is set
   * anew, without it the expiry stays. Throws `Invalid` when the value is no number, `Conflict` when the sum would overflow.
   */
  increment(key, delta = 1, options = {}) {
    const sum = this.#handle.call((raw) => {
      const { MIN_SAFE_INTEGER, MAX_SAFE_INTEGER } = Number;
      const wide = toWide(integer("delta", delta, MIN_SAFE_INTEGER, MAX_SAFE_INTEGER));
      const ttlMs = optionalU64("ttlMs", options.ttlMs);
      return withSigned(RawBucket, () => raw.increment(string("key", key), wide, ttlMs));
    });
    return fromWide(sum);
  }

  /** One page of the keys that start with `prefix`, in byte order: `{ keys, cursor }`, the cursor null after the last. */
  list(prefix = "", { cursor, limit = 1000 } = {}) {
    const page = this.#handle.call((raw) =>
      raw.listKeys(string("prefix", prefix), optionalString("cursor", cursor), u32("limit", limit)),
    );
    return { keys: page.keys, cursor: orNull(page.cursor) };
  }

  /** Every key that starts with `prefix`, page by page. */
  *keys(prefix = "") {
    let cursor = null;
    do {
      const page = this.list(prefix, { cursor });
      yield* page.keys;
      cursor = page.cursor;
    } while (cursor !== null);
  }

  /**
   * All or nothing: 1 to 64 of `{ check: key, ...condition }`, `{ set: key, value, ttlMs, ...condition }` and
   * `{ delete: key, ...condition }` on distinct keys. Returns a number for each: the new version for `set`, else 0.
   */
  transact(operations) {
    return Array.from(
      this.#handle.call((raw) => raw.transact(operations.map(operation))),
      Number,
    );
  }
}

function entry(raw) {
  return orNull(raw) === null ? null : new Entry(raw);
}

function condition({ ifAbsent = false, ifVersion = null }) {
  if (ifVersion !== null) {
    return { tag: "if-version", val: u64("ifVersion", ifVersion) };
  }
  return { tag: ifAbsent ? "if-absent" : "always" };
}

function operation(step) {
  const when = condition(step);
  if ("check" in step) {
    return { tag: "check", val: { key: string("check", step.check), when } };
  }
  if ("delete" in step) {
    return { tag: "delete", val: { key: string("delete", step.delete), when } };
  }
  if (!("set" in step)) {
    throw new Invalid("an operation of a transaction needs one of `check`, `set`, `delete`");
  }
  const ttlMs = optionalU64("ttlMs", step.ttlMs);
  return { tag: "set", val: { key: string("set", step.set), value: payload(step.value).data, ttlMs, when } };
}
