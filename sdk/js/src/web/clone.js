// structuredClone for QuickJS, without transfer.

export function structuredClone(value) {
  return clone(value, new Map());
}

function clone(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") {
    throw new DOMException(`${String(value)} could not be cloned`, "DataCloneError");
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (seen.has(value)) {
    return seen.get(value);
  }
  const { copy, fill } = shell(value);
  seen.set(value, copy);
  fill?.((item) => clone(item, seen));
  return copy;
}

// An empty copy, so that a cycle finds it, and what fills it.
function shell(value) {
  if (Array.isArray(value)) {
    const copy = new Array(value.length);
    return { copy, fill: (inner) => assign(copy, value, inner) };
  }
  if (value instanceof Map) {
    const copy = new Map();
    return { copy, fill: (inner) => value.forEach((item, key) => copy.set(inner(key), inner(item))) };
  }
  if (value instanceof Set) {
    const copy = new Set();
    return { copy, fill: (inner) => value.forEach((item) => copy.add(inner(item))) };
  }
  return binary(value) ?? special(value);
}

function binary(value) {
  if (value instanceof ArrayBuffer) {
    return { copy: value.slice(0) };
  }
  if (!ArrayBuffer.isView(value)) {
    return null;
  }
  const bytes = value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
  return { copy: new value.constructor(bytes) };
}

function special(value) {
  if (value instanceof Date) {
    return { copy: new Date(value.getTime()) };
  }
  if (value instanceof RegExp) {
    return { copy: new RegExp(value.source, value.flags) };
  }
  if (value instanceof Boolean || value instanceof Number || value instanceof String || value instanceof BigInt) {
    return { copy: Object(value.valueOf()) };
  }
  if (value instanceof Error) {
    return failure(value);
  }
  if (value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) {
    throw new DOMException(`${Object.prototype.toString.call(value)} could not be cloned`, "DataCloneError");
  }
  const copy = {};
  return { copy, fill: (inner) => assign(copy, value, inner) };
}

function failure(value) {
  const kind = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError }[value.name] ?? Error;
  const copy = new kind(value.message);
  copy.stack = value.stack;
  return {
    copy,
    fill: (inner) => "cause" in value && Object.defineProperty(copy, "cause", hidden(inner(value.cause))),
  };
}

function hidden(value) {
  return { value, writable: true, configurable: true, enumerable: false };
}

function assign(copy, value, inner) {
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, { ...hidden(inner(value[key])), enumerable: true });
  }
}
