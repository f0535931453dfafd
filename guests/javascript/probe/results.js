// The probe's way of writing bytes, records and errors down as JSON.

export function encode(bytes) {
  return bytes.toBase64();
}

export function decode(base64) {
  return Uint8Array.fromBase64(base64);
}

/** The record with its keys in snake_case. */
export function snake(record) {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [snakeCase(key), value]));
}

function snakeCase(key) {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function errorOf({ code, detail }) {
  return { code, detail };
}

/** A batch's answers as `{ ok }` and `{ error }`. */
export function answers(settled) {
  return settled.map(({ status, value, reason }) =>
    status === "fulfilled" ? { ok: value ?? null } : { error: errorOf(reason) },
  );
}

/** "always", "if-absent", { "if-version": n } or { "if-match": etag } as the SDK's options. */
export function condition(when) {
  return { ifAbsent: when === "if-absent", ifVersion: when?.["if-version"], ifMatch: when?.["if-match"] };
}
