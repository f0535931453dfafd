// Queues with leases. A message received is leased: acknowledge it, release it, or it comes again when the lease ends.

import { Queue as RawQueue } from "wasm-faas:function/queue@0.1.0";
import { fromAttributes, text } from "./data.js";
import { Named } from "./handles.js";
import { fromWide, optionalU32, optionalU64, orNull, settled, string, strings, u32, u64 } from "./host.js";
import { accepted, toRawMessage, toRawMessages } from "./message.js";

/** A message under lease. */
export class Message {
  #queue;

  constructor(raw, queue) {
    this.id = raw.id;
    this.receipt = raw.receipt;
    this.body = raw.body;
    this.contentType = orNull(raw.contentType);
    this.attributes = fromAttributes(raw.attributes);
    this.group = orNull(raw.group);
    this.receiveCount = raw.receiveCount;
    this.sentAtMs = fromWide(raw.sentAtMs);
    this.firstReceivedAtMs = fromWide(raw.firstReceivedAtMs);
    this.#queue = queue;
  }

  text() {
    return text(this.body);
  }

  json() {
    return JSON.parse(this.text());
  }

  /** Removes it for good. Throws `LeaseLost` when the lease has ended. */
  acknowledge() {
    const [answer] = this.#queue.acknowledge([this.receipt]);
    if (answer.status === "rejected") {
      throw answer.reason;
    }
  }

  /** Gives it back: ready again after `delayMs`, at most 12 hours. */
  release(delayMs = 0) {
    this.#queue.release(this.receipt, delayMs);
  }

  /** The lease ends `leaseMs` from now. */
  extend(leaseMs) {
    this.#queue.extend(this.receipt, leaseMs);
  }
}

export class Queue {
  #handle;

  /** Use `Queue.open`. */
  constructor(handle) {
    this.#handle = handle;
  }

  /** Throws `AccessDenied`, `NotFound`, `Unavailable`. */
  static open(name) {
    return new Queue(new Named("queue", name, (known) => RawQueue.open(known)));
  }

  get name() {
    return this.#handle.name;
  }

  /**
   * Stores a message, durably, and returns `{ id, duplicate }`. Options: `contentType`, `attributes`, `delayMs`, `group`,
   * `deduplicationId`, `ttlMs`.
   */
  send(body, options) {
    return accepted(this.#handle.call((raw) => raw.send(toRawSend(body, options))));
  }

  /** 1 to 100 of `{ body, ...options }`; each succeeds or fails for itself, as with `Promise.allSettled`. */
  sendBatch(messages) {
    const answers = this.#handle.call((raw) => raw.sendBatch(toRawMessages(messages, toRawSend)));
    return settled(this.#handle.subject, answers, accepted);
  }

  /** At most `max` (1 to 100) messages; waits up to `waitMs` (at most 20,000) for the first. The lease is 30 s unless said. */
  receive({ max = 1, waitMs = 0, leaseMs } = {}) {
    const delivered = this.#handle.call((raw) =>
      raw.receive(u32("max", max), u32("waitMs", waitMs), optionalU32("leaseMs", leaseMs)),
    );
    return delivered.map((raw) => new Message(raw, this));
  }

  /** Removes messages for good, by receipt; an answer for each, as with `Promise.allSettled`. */
  acknowledge(receipts) {
    const answers = this.#handle.call((raw) => raw.acknowledge(strings("receipts", receipts)));
    return settled(this.#handle.subject, answers, () => undefined);
  }

  release(receipt, delayMs = 0) {
    this.#handle.call((raw) => raw.release(string("receipt", receipt), u64("delayMs", delayMs)));
  }

  extend(receipt, leaseMs) {
    this.#handle.call((raw) => raw.extend(string("receipt", receipt), u32("leaseMs", leaseMs)));
  }

  /** `{ ready, delayed, leased, oldestAgeMs, exact }`. */
  stats() {
    const raw = this.#handle.call((raw) => raw.stats());
    return {
      ready: fromWide(raw.ready),
      delayed: fromWide(raw.delayed),
      leased: fromWide(raw.leased),
      oldestAgeMs: fromWide(raw.oldestAgeMs),
      exact: raw.exact,
    };
  }
}

function toRawSend(body, options = {}) {
  return {
    ...toRawMessage(body, options),
    delayMs: optionalU64("delayMs", options.delayMs),
    ttlMs: optionalU64("ttlMs", options.ttlMs),
  };
}
