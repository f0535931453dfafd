// What a function's folder says about itself: its entry file and the settings under `wasm-faas` in package.json.

import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { AuthorError, UsageError } from "./errors.mjs";

const RUNTIMES = ["quickjs", "starlingmonkey"];
const SETTINGS = ["async", "runtime"];
const EXTENSIONS = ["js", "mjs", "ts", "mts"];
const ENTRIES = ["index", "src/index"].flatMap((stem) => EXTENSIONS.map((extension) => `${stem}.${extension}`));

/** `{ folder, entry, runtime, forcedAsync }`; `runtime` on the command line wins over package.json. */
export async function readProject(folder, runtime) {
  if (!existsSync(folder)) {
    throw new UsageError(`there is no folder \`${folder}\``);
  }
  const manifest = await readManifest(folder);
  const settings = readSettings(manifest);
  return {
    folder,
    entry: findEntry(folder, manifest),
    runtime: checkedRuntime(runtime ?? settings.runtime ?? "quickjs"),
    forcedAsync: settings.async ?? false,
  };
}

async function readManifest(folder) {
  const path = join(folder, "package.json");
  if (!existsSync(path)) {
    return {};
  }
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new AuthorError(`package.json: ${error.message}`);
  }
}

function readSettings(manifest) {
  const settings = manifest["wasm-faas"] ?? {};
  const unknown = Object.keys(settings).find((name) => !SETTINGS.includes(name));
  if (unknown !== undefined) {
    throw new AuthorError(
      `package.json: unknown setting \`${unknown}\` under "wasm-faas"; there are \`async\` and \`runtime\``,
    );
  }
  if (settings.async !== undefined && typeof settings.async !== "boolean") {
    throw new AuthorError('package.json: `async` under "wasm-faas" must be true or false');
  }
  return settings;
}

function checkedRuntime(runtime) {
  if (!RUNTIMES.includes(runtime)) {
    throw new AuthorError(`unknown runtime \`${runtime}\`; there are \`quickjs\` and \`starlingmonkey\``);
  }
  return runtime;
}

function findEntry(folder, manifest) {
  const named = exported(manifest.exports) ?? manifest.main;
  if (named !== undefined) {
    return namedEntry(folder, named);
  }
  const found = ENTRIES.find((name) => isFile(join(folder, name)));
  if (found === undefined) {
    throw new AuthorError(
      `no entry file in \`${folder}\`: name one as "main" in package.json, or write one of ${ENTRIES.join(", ")}`,
    );
  }
  return found;
}

function namedEntry(folder, named) {
  const path = join(folder, named);
  if (!isFile(path)) {
    throw new AuthorError(`package.json names the entry file \`${named}\`, which does not exist`);
  }
  return relative(folder, path);
}

// The main entry of `exports`: a path, or conditions, or either of them under ".".
function exported(exports) {
  if (typeof exports === "string" || exports === undefined || exports === null) {
    return exports ?? undefined;
  }
  return exported(exports["."] ?? exports.import ?? exports.default);
}

function isFile(path) {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
