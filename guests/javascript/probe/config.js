import { config as settings } from "wasm-faas";

export const config = {
  "config.get": ({ key }) => settings.get(key),
  "config.secret": ({ name }) => settings.secret(name),
};
