import { Unsupported } from "wasm-faas";

function print({ text }) {
  console.log(text);
  console.error(text);
}

function readFile({ path }) {
  throw new Unsupported(`javascript cannot read files: ${path}`);
}

export const language = {
  "lang.random": () => Math.random(),
  "lang.uuid": () => crypto.randomUUID(),
  "lang.now_ms": () => Date.now(),
  "lang.print": print,
  "lang.environment": () => Object.keys(globalThis.process?.env ?? {}),
  "lang.read_file": readFile,
};
