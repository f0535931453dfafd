// The table by which stacks at run time name the author's lines instead of the bundle's.

import { SourceMap } from "node:module";

import { isOurs } from "./positions.mjs";

/**
 * The statement that leaves the table in the program: `{ files, runs }`, as `src/stack.js` says. Of whole lines only, and
 * with packages from npm in it: their part of a stack is worth reading too.
 */
export function lineTable({ code, map }, folder) {
  const files = [];
  const runs = [];
  for (const { line, file, source } of mappedLines(code, map, folder)) {
    const index = file === null ? -1 : indexIn(files, file);
    if (!continues(runs.at(-1), line, index, source)) {
      runs.push([line, index, source]);
    }
  }
  return `globalThis[Symbol.for("wasm-faas.lines")] = ${JSON.stringify({ files, runs })};\n`;
}

// The lines of the bundle that come from a source line; the file is null for those of this SDK.
function* mappedLines(code, map, folder) {
  const sources = new SourceMap(JSON.parse(map));
  for (const [index, text] of code.split("\n").entries()) {
    const { generatedLine, originalSource, originalLine } = sources.findEntry(index, text.search(/\S|$/));
    if (generatedLine === index) {
      const ours = isOurs(originalSource, folder);
      yield { line: index + 1, file: ours ? null : originalSource, source: ours ? 0 : originalLine + 1 };
    }
  }
}

function indexIn(files, file) {
  const known = files.indexOf(file);
  return known >= 0 ? known : files.push(file) - 1;
}

function continues(run, line, index, source) {
  if (run === undefined || run[1] !== index) {
    return false;
  }
  return index < 0 || run[2] + line - run[0] === source;
}
