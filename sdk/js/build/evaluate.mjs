// Runs a bundle once and tells what it exports, or what it threw. A process of its own: the author's code runs here.
// Reads `{ code, runtime }` from stdin, writes `{ exports }` or `{ thrown: { text, stack } }` to file descriptor 3.

import { writeFileSync } from "node:fs";
import { json } from "node:stream/consumers";
import { createContext, SourceTextModule } from "node:vm";

// What the engines have beyond the language itself.
const QUICKJS = { atob, btoa, performance, queueMicrotask, DOMException };
const STARLINGMONKEY = {
  ...QUICKJS,
  ...{ AbortController, AbortSignal, Blob, CompressionStream, DecompressionStream, Event, EventTarget, File, FormData },
  ...{ Headers, ReadableStream, Request, Response, TextDecoder, TextEncoder, TransformStream, URL, URLSearchParams },
  ...{ WritableStream, clearInterval, clearTimeout, crypto, fetch, setInterval, setTimeout, structuredClone },
};

const { code, runtime } = await json(process.stdin);
const globals = { ...(runtime === "quickjs" ? QUICKJS : STARLINGMONKEY), __hostImport: hostImport };

// Every name of a host interface can be imported, and none of it called yet. The bundle looks names up in the prototype
// of what it gets: own properties it copies once, and a proxy has none to copy.
function hostImport(path) {
  const refuse = (name) => () => {
    throw new Error(`\`${name}\` of ${path} was called: host services are there only inside \`handle\``);
  };
  const members = (prefix) => ({
    get: (target, name) => (typeof name === "string" ? member(`${prefix}${name}`) : target[name]),
  });
  const member = (name) =>
    new Proxy(refuse(name), { apply: refuse(name), construct: refuse(name), ...members(`${name}.`) });
  return Object.create(new Proxy({}, members("")));
}

function kind(value) {
  if (typeof value !== "function") {
    return typeof value;
  }
  const tag = Object.prototype.toString.call(value);
  return tag === "[object AsyncFunction]" ? "async function" : tag === "[object Function]" ? "function" : "a generator";
}

function describe(thrown) {
  const isError = typeof thrown === "object" && thrown !== null && "message" in thrown;
  return { text: isError ? `${thrown.name}: ${thrown.message}` : String(thrown), stack: String(thrown?.stack ?? "") };
}

async function evaluate() {
  try {
    const module = new SourceTextModule(code, { identifier: "bundle.js", context: createContext(globals) });
    await module.link(() => undefined);
    await module.evaluate();
    const { author } = module.namespace;
    return { exports: Object.fromEntries(Object.keys(author).map((name) => [name, kind(author[name])])) };
  } catch (thrown) {
    return { thrown: describe(thrown) };
  }
}

writeFileSync(3, JSON.stringify(await evaluate()));
process.exit(0);
