import { encode, snake } from "./results.js";

export const event = {
  event: (_step, event) => ({
    ...snake(event),
    data: encode(event.data),
    trigger: snake(event.trigger),
  }),
};
