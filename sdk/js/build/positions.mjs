// From positions in a bundle back to the author's files.

import { SourceMap } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where this SDK's modules are. */
export const SDK = join(dirname(fileURLToPath(import.meta.url)), "..", "src");

/** The name of the module that the build writes around the author's. */
export const ENTRY = "wasm-faas-entry.js";

/**
 * A function from a line and column of the bundle, counted from 1, to `file:line:column` relative to `folder`; null for
 * what is not the author's: the SDK and packages from npm.
 */
export function positions(map, folder) {
  const source = new SourceMap(JSON.parse(map));
  return (line, column) => {
    const { originalSource, originalLine, originalColumn } = source.findEntry(line - 1, column - 1);
    return isAuthors(originalSource, folder) ? `${originalSource}:${originalLine + 1}:${originalColumn + 1}` : null;
  };
}

function isAuthors(source, folder) {
  return source !== undefined && !isOurs(source, folder) && !source.includes("node_modules/");
}

/** Whether a source named by a map is this SDK's or the build's own. */
export function isOurs(source, folder) {
  return source === ENTRY || source.startsWith("host:") || resolve(folder, source).startsWith(SDK);
}
