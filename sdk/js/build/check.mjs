// Looks at the author's module before it is componentized: it runs once, in a process of its own, with the globals that
// a component has. The same run happens again inside the engine, where a mistake would only show as a wasm backtrace.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { bundleForCheck } from "./bundle.mjs";
import { AuthorError, ToolchainError } from "./errors.mjs";
import { positions } from "./positions.mjs";

const EVALUATOR = join(dirname(fileURLToPath(import.meta.url)), "evaluate.mjs");
const TIMEOUT_MS = 10_000;
// Node.js's exit status when a top-level await never settles.
const UNSETTLED = 13;

/** `{ isAsync, isBatch }` of the author's `handle` or `handleBatch`. */
export async function check(esbuild, project) {
  const { code, map } = await bundleForCheck(esbuild, project);
  const result = await evaluate({ code, runtime: project.runtime });
  if (result.thrown !== undefined) {
    throw new AuthorError(`${place(result.thrown, map, project)}: ${result.thrown.text}, while the module was loaded`);
  }
  const { handle, handleBatch } = result.exports;
  const isBatch = handleBatch !== undefined;
  checkExports(project, result.exports);
  const isAsync = (isBatch ? handleBatch : handle) === "async function";
  if (isBatch && isAsync && project.runtime === "quickjs") {
    throw new AuthorError(`${project.entry}: ${ASYNC_BATCH}`);
  }
  return { isAsync: isAsync || (project.forcedAsync && !isBatch), isBatch };
}

const ASYNC_BATCH =
  "`handleBatch` is an async function, which QuickJS cannot export: write it without `async`, services need no `await`; " +
  'or set `"wasm-faas": { "runtime": "starlingmonkey" }` in package.json';

function checkExports({ entry }, exports) {
  if (exports.handle !== undefined && exports.handleBatch !== undefined) {
    throw new AuthorError(`${entry}: both \`handle\` and \`handleBatch\` are exported; a function has one of them`);
  }
  const name = exports.handleBatch === undefined ? "handle" : "handleBatch";
  if (exports[name] === "function" || exports[name] === "async function") {
    return;
  }
  const names = Object.keys(exports).map((name) => `\`${name}\``);
  const found =
    exports[name] === undefined
      ? `exports ${names.join(", ") || "nothing"}`
      : `exports \`${name}\` as ${exports[name]}`;
  const signature = name === "handle" ? "handle(event)" : "handleBatch(events)";
  throw new AuthorError(
    `${entry}: no function \`${name}\` is exported; the module ${found}. write \`export function ${signature} { ... }\``,
  );
}

// The first frame of the stack that is in the author's code.
function place({ stack }, map, project) {
  const find = positions(map, project.folder);
  for (const [, line, column] of stack.matchAll(/bundle\.js:(\d+):(\d+)/g)) {
    const found = find(Number(line), Number(column));
    if (found !== null) {
      return found;
    }
  }
  return project.entry;
}

function evaluate(input) {
  return new Promise((resolve, reject) => {
    const arguments_ = ["--experimental-vm-modules", "--no-warnings", EVALUATOR];
    const child = spawn(process.execPath, arguments_, {
      stdio: ["pipe", "ignore", "inherit", "pipe"],
      timeout: TIMEOUT_MS,
    });
    const parts = [];
    child.stdio[3].on("data", (part) => parts.push(part));
    child.on("error", (error) => reject(new ToolchainError(`cannot run Node.js for the check: ${error.message}`)));
    child.on("close", (status, signal) => {
      const failure = ended(status, signal, parts);
      failure === null ? resolve(JSON.parse(Buffer.concat(parts))) : reject(failure);
    });
    // A child that dies early is told of by its status.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify(input));
  });
}

function ended(status, signal, parts) {
  if (signal !== null) {
    return new AuthorError(`the module did not finish loading within ${TIMEOUT_MS / 1000} s: does its top level loop?`);
  }
  if (status === UNSETTLED) {
    return new AuthorError("the module never finished loading: its top level awaits something that does not happen");
  }
  return status === 0 && parts.length > 0 ? null : new ToolchainError(`the check ended with status ${status}`);
}
