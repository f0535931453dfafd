// One file of everything: the author's code, what it imports from npm, and this SDK around it.

import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, relative } from "node:path";

import { AuthorError } from "./errors.mjs";
import { lineTable } from "./lines.mjs";
import { ENTRY, SDK } from "./positions.mjs";

const HOST = /^wasm-faas:/;
const SDK_MODULES = {
  "wasm-faas": join(SDK, "index.js"),
  "wasm-faas/runtime": join(SDK, "runtime.js"),
};

/** The program to componentize: `{ code, map }`. */
export async function bundle(esbuild, project, handler) {
  const wrap = `serve${handler.isBatch ? "Batch" : ""}${handler.isAsync ? "Async" : ""}`;
  const entry = [
    `import { ${wrap} } from "wasm-faas/runtime";`,
    `import * as author from ${JSON.stringify(`./${project.entry}`)};`,
    ...handlerExport(project, handler, wrap),
  ];
  const program = await run(esbuild, project, entry, [sdkPlugin(project), externalPlugin()]);
  return { ...program, code: program.code + lineTable(program, project.folder) };
}

// StarlingMonkey has no async exports, but waits for a promise under a plain one.
function handlerExport(project, { isAsync, isBatch }, wrap) {
  if (isBatch) {
    return [`export const batchHandler = { handleBatch: ${wrap}(author.handleBatch) };`];
  }
  const handler = `{ handle: ${wrap}(author.handle) }`;
  if (!isAsync || project.runtime === "starlingmonkey") {
    return [`export const handler = ${handler};`];
  }
  return [`export const asyncHandler = ${handler};`, 'export { turns } from "wasm-faas/runtime";'];
}

/**
 * The author's module alone for the check before that: `{ code, map }` of a module that imports nothing and exports
 * what the author's does, and whose host imports all answer through the global `__hostImport(interface)`.
 */
export async function bundleForCheck(esbuild, project) {
  const entry = ['import "wasm-faas/runtime";', `export * as author from ${JSON.stringify(`./${project.entry}`)};`];
  return await run(esbuild, project, entry, [sdkPlugin(project), stubPlugin()]);
}

async function run(esbuild, project, entry, plugins) {
  try {
    const { outputFiles } = await esbuild.build({
      stdin: { contents: entry.join("\n"), resolveDir: project.folder, sourcefile: ENTRY },
      ...OPTIONS,
      absWorkingDir: project.folder,
      outfile: "bundle.js",
      plugins,
    });
    return { map: outputFiles[0].text, code: outputFiles[1].text };
  } catch (error) {
    throw Array.isArray(error.errors) ? authorError(error.errors, project) : error;
  }
}

const OPTIONS = {
  bundle: true,
  write: false,
  sourcemap: "external",
  sourcesContent: false,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  logLevel: "silent",
  legalComments: "none",
  platform: "neutral",
  // As for other runtimes that are neither Node.js nor a browser: packages put what we can run under these names.
  mainFields: ["module", "main"],
  conditions: ["worker", "module"],
  define: { "process.env.NODE_ENV": '"production"' },
};

// `wasm-faas` is this SDK, unless the author installed one of their own.
function sdkPlugin(project) {
  const own = hasOwnSdk(project.folder);
  return {
    name: "wasm-faas-sdk",
    setup(build) {
      build.onResolve({ filter: /^wasm-faas(\/runtime)?$/ }, ({ path }) =>
        own ? undefined : { path: SDK_MODULES[path] },
      );
    },
  };
}

function hasOwnSdk(folder) {
  return existsSync(join(folder, "node_modules", "wasm-faas", "package.json"));
}

function externalPlugin() {
  return {
    name: "wasm-faas-host",
    setup(build) {
      build.onResolve({ filter: HOST }, ({ path }) => ({ path, external: true }));
    },
  };
}

function stubPlugin() {
  return {
    name: "wasm-faas-host-stub",
    setup(build) {
      build.onResolve({ filter: HOST }, ({ path }) => ({ path, namespace: "host" }));
      build.onLoad({ filter: HOST, namespace: "host" }, ({ path }) => ({
        contents: `module.exports = __hostImport(${JSON.stringify(path)})`,
      }));
    },
  };
}

function authorError(errors, project) {
  const sdk = relative(project.folder, SDK_MODULES["wasm-faas"]);
  return new AuthorError(errors.map((error) => describe(error).replace(sdk, "wasm-faas")).join("\n"));
}

// `file:line:column: what`, as editors and terminals link it.
function describe({ text, location }) {
  const place = location === null ? "" : `${location.file}:${location.line}:${location.column + 1}: `;
  return `${place}${lowerCase(text)}${hint(text)}`;
}

function lowerCase(text) {
  return text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, "");
}

function hint(text) {
  const [, name] = /^Could not resolve "(.+)"$/.exec(text) ?? [];
  if (name === undefined || /^[./]/.test(name)) {
    return "";
  }
  return isBuiltin(name)
    ? "; functions do not run on Node.js and have none of its modules"
    : `; does the function's folder need \`npm install ${name}\`?`;
}
