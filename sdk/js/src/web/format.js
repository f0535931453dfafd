// Values as text, for the console and the log.

import { readable } from "../stack.js";

const DEPTH = 4;
const ITEMS = 100;

/** The arguments of `console.log` as one line; a first text may hold `%s %d %i %f %j %o %O %c` and `%%`. */
export function format(values) {
  const [first, ...rest] = values;
  if (typeof first !== "string" || rest.length === 0) {
    return values.map(plain).join(" ");
  }
  const line = first.replace(/%[sdifjoOc%]/g, (code) => {
    if (code === "%%") {
      return "%";
    }
    return rest.length === 0 ? code : substitute(code, rest.shift());
  });
  return [line, ...rest.map(plain)].join(" ");
}

function substitute(code, value) {
  switch (code) {
    case "%d":
      return String(Number(value));
    case "%i":
      return String(Number.parseInt(value, 10));
    case "%f":
      return String(Number.parseFloat(value));
    case "%j":
      return JSON.stringify(value) ?? "undefined";
    case "%c":
      return "";
    case "%s":
      return plain(value);
    default:
      return inspect(value);
  }
}

function plain(value) {
  return typeof value === "string" ? value : inspect(value);
}

/** Any value as one line of text, at most four levels deep and 100 items wide. Never throws. */
export function inspect(value) {
  try {
    return show(value, []);
  } catch (error) {
    return `[uninspectable: ${error}]`;
  }
}

function show(value, path) {
  if (typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "bigint") {
    return `${value}n`;
  }
  if (typeof value === "function") {
    return `[function ${value.name || "anonymous"}]`;
  }
  if (typeof value !== "object" || value === null) {
    return String(value);
  }
  return path.includes(value) ? "[circular]" : object(value, path);
}

function object(value, path) {
  if (isError(value)) {
    return stackOf(value);
  }
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  }
  if (value instanceof RegExp || value instanceof Promise) {
    return String(value);
  }
  if (path.length >= DEPTH) {
    return Array.isArray(value) ? "[...]" : "{...}";
  }
  return collection(value, [...path, value]);
}

function collection(value, path) {
  if (Array.isArray(value) || (ArrayBuffer.isView(value) && "length" in value)) {
    const label = Array.isArray(value) ? "" : `${value.constructor.name}(${value.length}) `;
    const items = Array.from(value.slice(0, ITEMS), (item) => show(item, path));
    return `${label}[${list(items, value.length)}]`;
  }
  if (value instanceof Map) {
    const items = [...value].slice(0, ITEMS).map(([key, item]) => `${show(key, path)} => ${show(item, path)}`);
    return `Map(${value.size}) {${list(items, value.size)}}`;
  }
  if (value instanceof Set) {
    const items = [...value].slice(0, ITEMS).map((item) => show(item, path));
    return `Set(${value.size}) {${list(items, value.size)}}`;
  }
  return record(value, path);
}

function record(value, path) {
  const name = value.constructor?.name;
  const entries = Object.entries(value);
  const items = entries.slice(0, ITEMS).map(([key, item]) => `${key}: ${show(item, path)}`);
  return `${name === undefined || name === "Object" ? "" : `${name} `}{${list(items, entries.length)}}`;
}

function list(items, total) {
  const shown = total > items.length ? [...items, `and ${total - items.length} more`] : items;
  return shown.join(", ");
}

/** Whether it is an error. On StarlingMonkey the bindings throw errors that are no instance of this module's `Error`. */
export function isError(value) {
  return value instanceof Error || Object.prototype.toString.call(value) === "[object Error]";
}

/** An error with its message and stack; QuickJS leaves the message out of the stack. */
export function stackOf(error) {
  const heading = `${error.name}: ${error.message}`;
  const stack = readable(String(error.stack ?? "").trimEnd());
  const whole = stack.startsWith(heading) ? stack : [heading, stack].filter(Boolean).join("\n");
  return error.cause === undefined ? whole : `${whole}\ncaused by ${inspect(error.cause)}`;
}
