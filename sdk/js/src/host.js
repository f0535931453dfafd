// Between the contract's raw bindings and this SDK: numbers, errors and the checks that keep a wrong argument from
// trapping inside a binding.

import * as errors from "./errors.js";

const CLASSES = {
  "access-denied": errors.AccessDenied,
  "not-found": errors.NotFound,
  conflict: errors.Conflict,
  "lease-lost": errors.LeaseLost,
  "too-large": errors.TooLarge,
  invalid: errors.Invalid,
  throttled: errors.Throttled,
  unsupported: errors.Unsupported,
  unavailable: errors.Unavailable,
  "unknown-outcome": errors.UnknownOutcome,
};

// 64-bit integers are BigInt in StarlingMonkey's bindings and Number in QuickJS's, where a BigInt traps. Calling an import
// to find out is not possible while the module is being snapshotted, so the first event tells.
let bigints = false;
let serving = false;

/** Marks the instance as live: host imports may be called from here on. `sample` is any 64-bit integer the host gave. */
export function beginServing(sample) {
  bigints = typeof sample === "bigint";
  serving = true;
}

/** False while the module's top level runs, at build time. */
export function isServing() {
  return serving;
}

/** A whole number as the bindings want 64-bit integers. */
export function toWide(number) {
  return bigints ? BigInt(number) : number;
}

/**
 * Runs a call of `resource` with a signed 64-bit argument. StarlingMonkey's bindings make it signed with
 * `BigInt.asIntN` and then abort on a negative one (ComponentizeJS#343); its bits as an unsigned number pass. They live in
 * a realm of their own, with a `BigInt` of its own, which only its `Function` reaches.
 */
export function withSigned(resource, operation) {
  if (!bigints) {
    return operation();
  }
  const theirs = resource.constructor("return BigInt")();
  const { asIntN } = theirs;
  theirs.asIntN = theirs.asUintN;
  try {
    return operation();
  } finally {
    theirs.asIntN = asIntN;
  }
}

/** A 64-bit integer from the host, exact up to 2^53; null when absent. */
export function fromWide(value) {
  return value === null || value === undefined ? null : Number(value);
}

/** `undefined` and `null` both mean absent to the contract; authors only see null. */
export function orNull(value) {
  return value === undefined ? null : value;
}

/** Runs one service call; what it throws becomes a `ServiceError` that names `subject`. */
export function call(subject, operation) {
  try {
    return operation();
  } catch (thrown) {
    const error = thrown instanceof errors.ServiceError ? thrown : serviceError(thrown);
    throw error === null ? thrown : error.about(subject);
  }
}

/** The answers of a batch, in the shape of `Promise.allSettled`. */
export function settled(subject, answers, convert) {
  return answers.map((answer) => {
    if (answer.tag === "ok") {
      return { status: "fulfilled", value: convert(answer.val) };
    }
    return { status: "rejected", reason: serviceError(answer.val).about(subject) };
  });
}

/** The contract's error, thrown bare on QuickJS and as the payload of an Error on StarlingMonkey; null for anything else. */
export function serviceError(thrown) {
  const raw = thrown?.payload ?? thrown;
  const known = CLASSES[raw?.tag];
  if (known === undefined) {
    return null;
  }
  const detail = orNull(raw.val);
  return new known(typeof detail === "bigint" ? Number(detail) : detail);
}

/** `value` when it is a string, well formed as UTF-16. */
export function string(name, value) {
  if (typeof value !== "string") {
    throw new errors.Invalid(`\`${name}\` must be a string, is ${describe(value)}`);
  }
  return value.toWellFormed();
}

/** `value` when it is an array of strings. */
export function strings(name, value) {
  if (!Array.isArray(value)) {
    throw new errors.Invalid(`\`${name}\` must be an array of strings, is ${describe(value)}`);
  }
  return value.map((item) => string(name, item));
}

export function optionalString(name, value) {
  return value === undefined || value === null ? undefined : string(name, value);
}

/** `value` when it is a whole number from `min` to `max`. */
export function integer(name, value, min, max) {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new errors.Invalid(`\`${name}\` must be a whole number from ${min} to ${max}, is ${describe(value)}`);
  }
  return value;
}

/** An unsigned 32-bit argument. Bounded by 2^31-1, which is over every limit and is what QuickJS's bindings take. */
export function u32(name, value) {
  return integer(name, value, 0, 0x7fffffff);
}

export function optionalU32(name, value) {
  return value === undefined || value === null ? undefined : u32(name, value);
}

/** An unsigned 64-bit argument, ready for the bindings. */
export function u64(name, value) {
  return toWide(integer(name, value, 0, Number.MAX_SAFE_INTEGER));
}

export function optionalU64(name, value) {
  return value === undefined || value === null ? undefined : u64(name, value);
}

function describe(value) {
  return typeof value === "object" || typeof value === "function"
    ? Object.prototype.toString.call(value)
    : `\`${String(value)}\``;
}
