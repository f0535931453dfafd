// Topics: what is published goes to every subscription whose filter matches.

import { Topic as RawTopic } from "wasm-faas:function/topic@0.1.0";
import { Named } from "./handles.js";
import { settled } from "./host.js";
import { accepted, toRawMessage, toRawMessages } from "./message.js";

export class Topic {
  #handle;

  /** Use `Topic.open`. */
  constructor(handle) {
    this.#handle = handle;
  }

  /** Throws `AccessDenied`, `NotFound`, `Unavailable`. */
  static open(name) {
    return new Topic(new Named("topic", name, (known) => RawTopic.open(known)));
  }

  get name() {
    return this.#handle.name;
  }

  /** Returns `{ id, duplicate }` once every matching subscription has it. Options: `contentType`, `attributes`, `group`, `deduplicationId`. */
  publish(body, options) {
    return accepted(this.#handle.call((raw) => raw.publish(toRawMessage(body, options))));
  }

  /** 1 to 100 of `{ body, ...options }`; each succeeds or fails for itself, as with `Promise.allSettled`. */
  publishBatch(messages) {
    const answers = this.#handle.call((raw) => raw.publishBatch(toRawMessages(messages, toRawMessage)));
    return settled(this.#handle.subject, answers, accepted);
  }
}
