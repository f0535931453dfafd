// The last step: a bundled program and the contract become a component.

import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AuthorError, ToolchainError } from "./errors.mjs";
import { positions } from "./positions.mjs";
import { firstLine, loadTool } from "./toolchain.mjs";

// How each engine tells of a module that failed at its top level, and where.
const QUICKJS =
  /Failed to evaluate user JavaScript module: (?:Failed to \w+ JavaScript module[^:]*: )?(?:Error: )?(.*)/;
const STARLINGMONKEY = /Exception while evaluating top-level script\s+(?:function\.js:\d+:\d+ )?(.*)/;
const POSITION = /(?:user|function)\.js:(\d+):(\d+)/;

/** The component's bytes. */
export async function componentize(options, project, program, { isAsync, isBatch }) {
  const world = isBatch ? "batch-function" : "function";
  return project.runtime === "quickjs"
    ? await quickjs(options, project, program, isAsync, world)
    : await starlingmonkey(options, project, program, world);
}

async function quickjs({ toolchain, wit }, { folder }, { code, map }, isAsync, plainWorld) {
  const tool = await loadTool(toolchain, "componentize-qjs");
  const build = async (witPath, world) => {
    const { component } = await tool.componentize({ witPath, jsSource: code, world, sync: !isAsync });
    return component;
  };
  try {
    return isAsync ? await withTurns(wit, build) : await build(wit, plainWorld);
  } catch (error) {
    throw failure("componentize-qjs", QUICKJS, error, map, folder);
  }
}

// The SDK's event loop takes its turns over a future, and the engine knows only the types of futures that some function
// of the world has: `src/web/turn.js`.
const TURNS = `
interface turns {
  turn: func() -> future<u8>;
}

world javascript-async-function {
  include async-function;
  export turns;
}
`;

async function withTurns(wit, build) {
  const copy = await mkdtemp(join(tmpdir(), "wasm-faas-wit-"));
  try {
    await cp(wit, copy, { recursive: true });
    await writeFile(join(copy, "javascript-turns.wit"), TURNS);
    return await build(copy, "javascript-async-function");
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

// Clocks and random numbers stay as they are: stubbed, they would be the same in every instance.
async function starlingmonkey({ toolchain, wit }, { folder }, { code, map }, worldName) {
  const tool = await loadTool(toolchain, "componentize-js");
  try {
    const { component } = await tool.componentize(code, {
      sourceName: "function.js",
      witPath: wit,
      worldName,
      disableFeatures: ["http", "fetch-event"],
    });
    return component;
  } catch (error) {
    throw failure("componentize-js", STARLINGMONKEY, error, map, folder);
  }
}

// What the check did not find: the author's module failed in the engine itself. Anything else is the tool's failure.
function failure(tool, evaluation, error, map, folder) {
  const [, what] = evaluation.exec(error.message) ?? [];
  if (what === undefined) {
    return new ToolchainError(`${tool} failed: ${firstLine(error)}`);
  }
  const [, line, column] = POSITION.exec(error.message) ?? [];
  const place = line === undefined ? null : positions(map, folder)(Number(line), Number(column));
  return new AuthorError(`${place === null ? "" : `${place}: `}${what}, while the module was loaded`);
}
