// The build script as it is called: what it makes, and what it says when it cannot.
//
// WASM_FAAS_TOOLCHAIN_JS names a folder with the node_modules of `toolchain/`; without it these tests are skipped.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const SCRIPT = join(HERE, "../build/build.mjs");
const WIT = join(HERE, "../../../wit");
const TOOLCHAIN = process.env.WASM_FAAS_TOOLCHAIN_JS;
const skip = TOOLCHAIN === undefined && "WASM_FAAS_TOOLCHAIN_JS names no toolchain";
const scratch = await mkdtemp(join(tmpdir(), "wasm-faas-build-test-"));

after(() => rm(scratch, { recursive: true }));

// Builds a folder of these files; `{ status, stderr, stdout, folder, output }`.
async function build(files, options = {}) {
  const folder = await mkdtemp(join(scratch, "function-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  const output = join(folder, "out.wasm");
  const values = { folder, wit: WIT, toolchain: TOOLCHAIN ?? scratch, output, ...options };
  const flags = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
  return { ...(await run([SCRIPT, ...flags])), folder, output };
}

function run(argv) {
  return new Promise((resolve) => {
    execFile(process.execPath, argv, (error, stdout, stderr) => resolve({ status: error?.code ?? 0, stdout, stderr }));
  });
}

async function fails(files, status, message, options) {
  const result = await build(files, options);
  assert.equal(result.status, status, result.stderr);
  assert.match(result.stderr, message);
  assert.doesNotMatch(result.stderr, /\n\s+at /, "no stack of the script's own");
  assert.ok(!(await readdir(result.folder)).some((name) => name.includes(".wasm")), "nothing is left behind");
}

const HANDLER = "export function handle(event) { return event.text(); }\n";

test("a component is made, quietly, and no temporary file is left", { skip }, async () => {
  const { status, stdout, stderr, folder, output } = await build({ "index.js": HANDLER });
  assert.deepEqual([status, stdout, stderr], [0, "", ""]);
  assert.deepEqual([...(await readFile(output)).subarray(0, 8)], [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
  assert.deepEqual((await readdir(folder)).sort(), ["index.js", "out.wasm"]);
});

test("an async handler exports the async interface, a plain one the plain", { skip }, async () => {
  const plain = await build({ "index.js": HANDLER });
  const asynchronous = await build({ "index.js": HANDLER.replace("function", "async function") });
  const forced = await build({ "index.js": HANDLER, "package.json": '{"wasm-faas": {"async": true}}' });
  const kinds = await Promise.all(
    [plain, asynchronous, forced].map(async ({ output }) => kindOf(await readFile(output))),
  );
  assert.deepEqual(kinds, ["handler", "async-handler", "async-handler"]);
});

function kindOf(component) {
  return component.includes("wasm-faas:function/async-handler@0.1.0") ? "async-handler" : "handler";
}

test("TypeScript, packages, JSON and files outside the folder's top are bundled", { skip }, async () => {
  const { status, stderr } = await build({
    "src/index.ts":
      'import { Response, type Event } from "wasm-faas";\nimport { name } from "small";\nimport data from "./data.json";\nimport { twice } from "./lib/twice";\nexport const handle = (event: Event): Response => Response.json({ name, data, n: twice(2) as number });\n',
    "src/lib/twice.ts": "enum Factor { Two = 2 }\nexport const twice = (n: number): number => n * Factor.Two;\n",
    "src/data.json": '{"a": 1}',
    "node_modules/small/package.json": '{"name": "small", "main": "main.js"}',
    "node_modules/small/main.js": 'module.exports = { name: "small" };\n',
  });
  assert.deepEqual([status, stderr], [0, ""]);
});

test("the function's own copy of the SDK is used when it has one", { skip }, async () => {
  await fails(
    {
      "index.js": 'import { mark } from "wasm-faas";\nmark();\nexport const handle = () => {};\n',
      "node_modules/wasm-faas/package.json":
        '{"name": "wasm-faas", "type": "module", "exports": {".": "./index.js", "./runtime": "./runtime.js"}}',
      "node_modules/wasm-faas/index.js": 'export const mark = () => { throw new Error("own copy"); };\n',
      "node_modules/wasm-faas/runtime.js": "export const serve = (handle) => handle;\n",
    },
    1,
    /^index\.js:2:\d+: Error: own copy, while the module was loaded\n$/,
  );
});

test("a syntax error has its place", { skip }, async () => {
  await fails(
    { "index.js": "export function handle() {\n  return 1 +;\n}\n" },
    1,
    /^index\.js:2:13: unexpected ";"\n$/,
  );
});

test("an import that is not there says what to do", { skip }, async () => {
  const source =
    'import "./missing.js";\nimport fs from "node:fs";\nimport "left-out";\nimport { Bukket } from "wasm-faas";\nexport const handle = () => [fs, Bukket];\n';
  await fails({ "index.js": source }, 1, /index\.js:1:8: could not resolve "\.\/missing\.js"\n/);
  await fails(
    { "index.js": source },
    1,
    /index\.js:2:16: could not resolve "node:fs"; functions do not run on Node\.js/,
  );
  await fails(
    { "index.js": source },
    1,
    /index\.js:3:8: could not resolve "left-out"; does .* need `npm install left-out`\?/,
  );
});

test("a name that the SDK does not have is told by the SDK's name", { skip }, async () => {
  const source = 'import { Bukket } from "wasm-faas";\nexport const handle = () => Bukket;\n';
  await fails({ "index.js": source }, 1, /^index\.js:1:10: no matching export in "wasm-faas" for import "Bukket"\n$/);
});

test("a batch handler exports the batch interface", { skip }, async () => {
  const source = "export function handleBatch(events) { return events.map(() => null); }\n";
  const { output } = await build({ "index.js": source });
  const component = await readFile(output);
  assert.ok(component.includes("wasm-faas:function/batch-handler@0.1.0"));
  assert.ok(!component.includes("wasm-faas:function/handler@0.1.0"));
});

test("a batch handler stands alone and is not async", { skip }, async () => {
  const both = "export const handle = () => {};\nexport const handleBatch = () => {};\n";
  await fails({ "index.js": both }, 1, /both `handle` and `handleBatch` are exported/);
  await fails({ "index.js": "export async function handleBatch() {}\n" }, 1, /without `async`/);
  await fails({ "index.js": "export const handleBatch = 5;\n" }, 1, /`handleBatch` as number.*handleBatch\(events\)/);
});

test("without `handle` the exports are listed", { skip }, async () => {
  await fails(
    { "index.js": "export const main = 1; export default 2;\n" },
    1,
    /no function `handle` is exported; the module exports `default`, `main`/,
  );
  await fails({ "index.js": "export {};\n" }, 1, /the module exports nothing/);
  await fails({ "index.js": "export const handle = 5;\n" }, 1, /the module exports `handle` as number/);
  await fails({ "index.js": "export function* handle() {}\n" }, 1, /the module exports `handle` as a generator/);
});

test("a host service used at the top level is named with its place", { skip }, async () => {
  const source =
    'import { Bucket } from "wasm-faas";\n\nconst bucket = Bucket.open("visits");\nexport const handle = () => bucket;\n';
  await fails(
    { "index.js": source },
    1,
    /^index\.js:3:23: Error: `Bucket\.open` of wasm-faas:function\/kv@0\.1\.0 was called: host services are there only inside `handle`/,
  );
});

test("an error and a global that is not there at the top level have their place", { skip }, async () => {
  await fails(
    { "index.js": "const mode = process.env.MODE;\n" },
    1,
    /^index\.js:1:14: ReferenceError: process is not defined/,
  );
  await fails({ "index.js": 'throw "text";\n' }, 1, /^index\.js: text, while the module was loaded/);
});

test("a top level that never ends is found out", { skip }, async () => {
  await fails(
    { "index.js": "await new Promise(() => {});\n" },
    1,
    /its top level awaits something that does not happen/,
  );
});

test("a setting that is not there is refused", { skip }, async () => {
  const settings = (text) => ({ "index.js": HANDLER, "package.json": `{"wasm-faas": ${text}}` });
  await fails(
    settings('{"asink": true}'),
    1,
    /unknown setting `asink` under "wasm-faas"; there are `async` and `runtime`/,
  );
  await fails(settings('{"async": "yes"}'), 1, /`async` under "wasm-faas" must be true or false/);
  await fails(settings('{"runtime": "v8"}'), 1, /unknown runtime `v8`; there are `quickjs` and `starlingmonkey`/);
});

test("an entry file that is not there is named", { skip }, async () => {
  await fails(
    { "package.json": '{"main": "app.js"}' },
    1,
    /package\.json names the entry file `app\.js`, which does not exist/,
  );
  await fails(
    { "package.json": '{"exports": {".": {"import": "./lib.js"}}}' },
    1,
    /names the entry file `\.\/lib\.js`/,
  );
  await fails(
    { "readme.md": "" },
    1,
    /no entry file in .*: name one as "main" in package\.json, or write one of index\.js/,
  );
  await fails({ "package.json": "{" }, 1, /^package\.json: /);
});

test("a toolchain that is not there is status 3 and says how to get it", async () => {
  await fails({ "index.js": HANDLER }, 3, /cannot load esbuild from .*; run `npm ci` there/, {
    toolchain: join(scratch, "none"),
  });
});

test("a contract that does not parse is the toolchain's trouble", { skip }, async () => {
  const wit = await mkdtemp(join(scratch, "wit-"));
  await writeFile(join(wit, "world.wit"), "package broken:wit;\nworld function { import }\n");
  await fails({ "index.js": HANDLER }, 3, /componentize-qjs failed: /, { wit });
});

test("wrong usage is status 2", async () => {
  const { status, stderr } = await run([SCRIPT, "--folder", scratch]);
  assert.deepEqual([status, stderr], [2, "missing --wit, --toolchain, --output\n"]);
  assert.equal((await run([SCRIPT, "--foldr", scratch])).status, 2);
  await fails({ "index.js": HANDLER }, 2, /there is no folder/, { folder: join(scratch, "none") });
});
