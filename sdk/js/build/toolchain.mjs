// Finds the packages that build, in the folder that --toolchain names.

import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { ToolchainError } from "./errors.mjs";

// The modules of the versions that the toolchain's package.json pins.
const MODULES = {
  esbuild: "esbuild/lib/main.js",
  "componentize-qjs": "componentize-qjs/index.js",
  "componentize-js": "@bytecodealliance/componentize-js/src/componentize.js",
};

/** The module of one tool, from the toolchain's node_modules. */
export async function loadTool(toolchain, name) {
  const path = join(toolchain, "node_modules", MODULES[name]);
  try {
    const module = await import(pathToFileURL(path));
    return module.default ?? module;
  } catch (error) {
    throw new ToolchainError(`cannot load ${name} from \`${toolchain}\`: ${firstLine(error)}; run \`npm ci\` there`);
  }
}

export function firstLine(error) {
  return String(error?.message ?? error)
    .trim()
    .split("\n")[0];
}
