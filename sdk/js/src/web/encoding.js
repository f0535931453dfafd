// TextEncoder and TextDecoder for QuickJS, on its native functions: a loop over the characters is far slower.

import { isAscii } from "./ascii.js";
import { decodeUtf16, decodeUtf8 } from "./decode.js";

const LABELS = {
  "utf-8": "utf-8",
  utf8: "utf-8",
  "unicode-1-1-utf-8": "utf-8",
  "utf-16le": "utf-16le",
  "utf-16": "utf-16le",
};
const NOTHING = new Uint8Array(0);

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(input = "") {
    return utf8(`${input}`);
  }

  encodeInto(source, destination) {
    const text = `${source}`.toWellFormed();
    let read = 0;
    let written = 0;
    for (const character of text) {
      const bytes = this.encode(character);
      if (written + bytes.length > destination.length) {
        break;
      }
      destination.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

function utf8(text) {
  const bytes = latin1(text);
  return bytes !== null && isAscii(bytes) ? bytes : latin1(unescape(encodeURIComponent(text.toWellFormed())));
}

// One byte per character, null when some character does not fit one.
function latin1(text) {
  try {
    return Uint8Array.fromBase64(btoa(text));
  } catch {
    return null;
  }
}

export class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = NOTHING;
  #bomSeen = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    const encoding = LABELS[`${label}`.trim().toLowerCase()];
    if (encoding === undefined) {
      throw new RangeError(`the encoding \`${label}\` is not supported: utf-8 and utf-16le are`);
    }
    this.#encoding = encoding;
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input = NOTHING, { stream = false } = {}) {
    const bytes = this.#withRest(view(input));
    const decode = this.#encoding === "utf-8" ? decodeUtf8 : decodeUtf16;
    const { text, used } = decode(bytes, { fatal: this.#fatal, more: Boolean(stream) });
    this.#rest = stream ? bytes.slice(used) : NOTHING;
    return this.#withoutBom(text, Boolean(stream));
  }

  #withRest(bytes) {
    if (this.#rest.length === 0) {
      return bytes;
    }
    const whole = new Uint8Array(this.#rest.length + bytes.length);
    whole.set(this.#rest);
    whole.set(bytes, this.#rest.length);
    return whole;
  }

  #withoutBom(text, stream) {
    const first = !this.#bomSeen && text.length > 0;
    this.#bomSeen = stream && (this.#bomSeen || text.length > 0);
    return first && !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }
}

function view(input) {
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  if (input instanceof ArrayBuffer || input instanceof SharedArrayBuffer) {
    return new Uint8Array(input);
  }
  throw new TypeError("TextDecoder.decode takes an ArrayBuffer or a view of one");
}
