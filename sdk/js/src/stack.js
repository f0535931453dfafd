// Stacks in the author's terms. The engines name lines of the bundle; the build leaves a table of whose lines they are.

/**
 * Where the build leaves `{ files, runs }`. A run is `[line, file, source]`: from that line of the bundle on, until the
 * next run, lines are those of `files[file]` from `source` on; the file is -1 where the code is not the author's.
 */
const TABLE = Symbol.for("wasm-faas.lines");
const FRAME = /(?:componentize-qjs:user|(?:\S*\/)?function)\.js:(\d+):\d+/;
const INTERNAL = /componentize-qjs:|\/initializer\.js:/;

/** The stack with positions like `index.js:12`, without the frames of this SDK and the engine. */
export function readable(stack) {
  return stack.split("\n").map(frame).filter(Boolean).join("\n");
}

function frame(line) {
  const [place, number] = FRAME.exec(line) ?? [];
  if (place === undefined) {
    return INTERNAL.test(line) ? null : line;
  }
  const source = position(Number(number));
  return source === null ? null : line.replace(place, source);
}

function position(line) {
  const { files, runs } = globalThis[TABLE] ?? { files: [], runs: [] };
  const run = runs.findLast(([first]) => first <= line);
  if (run === undefined || run[1] < 0) {
    return null;
  }
  return `${files[run[1]]}:${run[2] + line - run[0]}`;
}
