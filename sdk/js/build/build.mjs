// Builds one JavaScript or TypeScript function into a component:
//
//   node build.mjs --folder <function> --wit <contract> --toolchain <has node_modules> --output <file.wasm>
//                  [--runtime quickjs|starlingmonkey]
//
// Quiet when all is well. Exit status 1 for the author's mistakes, 2 for wrong usage, 3 for a broken toolchain.

import { rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

import { bundle } from "./bundle.mjs";
import { check } from "./check.mjs";
import { componentize } from "./componentize.mjs";
import { AuthorError, ToolchainError, UsageError } from "./errors.mjs";
import { readProject } from "./project.mjs";
import { loadTool } from "./toolchain.mjs";

const PATHS = ["folder", "wit", "toolchain", "output"];

async function main() {
  const options = readArguments();
  const project = await readProject(options.folder, options.runtime);
  const esbuild = await loadTool(options.toolchain, "esbuild");
  const handler = await check(esbuild, project);
  const program = await bundle(esbuild, project, handler);
  const component = await componentize(options, project, program, handler);
  await replace(options.output, component);
}

function readArguments() {
  const names = [...PATHS, "runtime"];
  const { values } = parsed(Object.fromEntries(names.map((name) => [name, { type: "string" }])));
  const missing = PATHS.filter((name) => values[name] === undefined);
  if (missing.length > 0) {
    throw new UsageError(`missing ${missing.map((name) => `--${name}`).join(", ")}`);
  }
  const paths = PATHS.map((name) => [name, resolve(values[name])]);
  return { ...values, ...Object.fromEntries(paths) };
}

function parsed(options) {
  try {
    return parseArgs({ options });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

// A reader of `path` sees the old file or the new one, never a part.
async function replace(path, bytes) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw new UsageError(`cannot write \`${path}\`: ${error.message}`);
  }
}

function report(error) {
  const expected = [AuthorError, ToolchainError, UsageError].some((kind) => error instanceof kind);
  process.stderr.write(`${expected ? error.message : `the build script failed: ${error.stack}`}\n`);
  process.exitCode = expected ? error.exitStatus : 3;
}

await main().catch(report);
