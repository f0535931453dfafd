// Module hooks: `wasm-faas:function/<interface>@<version>` is a module that passes everything on to `globalThis.fakeHost`.

const NAMES = {
  context: ["current", "remainingTimeMs", "remainingFuel", "nowMs", "randomBytes", "sleep", "log"],
  config: ["get", "secret"],
  kv: ["Bucket"],
  queue: ["Queue"],
  topic: ["Topic"],
  blob: ["Container"],
  functions: ["invoke", "invokeAsync"],
};

export function resolve(specifier, context, next) {
  const [, interface_] = /^wasm-faas:function\/(\w+)@/.exec(specifier) ?? [];
  return interface_ === undefined ? next(specifier, context) : { url: `fake:${interface_}`, shortCircuit: true };
}

export function load(url, context, next) {
  if (!url.startsWith("fake:")) {
    return next(url, context);
  }
  const interface_ = url.slice("fake:".length);
  const source = NAMES[interface_].map((name) => exportOf(interface_, name)).join("\n");
  return { format: "module", source, shortCircuit: true };
}

// Looked up at each use, so that a test can change it after the import.
function exportOf(interface_, name) {
  const target = `globalThis.fakeHost.${interface_}.${name}`;
  return /^[A-Z]/.test(name)
    ? `export const ${name} = { open: (...values) => ${target}.open(...values), constructor: Function };`
    : `export const ${name} = (...values) => ${target}(...values);`;
}
