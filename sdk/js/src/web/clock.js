// performance.now for QuickJS. Its own counts from a moment of the build, and so runs below zero in an instance.

import { isServing } from "../host.js";

const native = globalThis.performance;
let origin = null;
let timeOrigin = null;

function start() {
  if (origin === null && isServing()) {
    origin = native.now();
    timeOrigin = Date.now();
  }
}

export const performance = {
  /** Milliseconds since the instance first asked, monotonic. */
  now() {
    start();
    return native.now() - (origin ?? 0);
  },

  /** When that was, in milliseconds since the Unix epoch. */
  get timeOrigin() {
    start();
    return timeOrigin ?? Date.now();
  },
};
