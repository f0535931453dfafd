import { Topic } from "wasm-faas";
import { messageOf } from "./messages.js";
import { answers } from "./results.js";

function publish({ topic, message }) {
  const { body, ...options } = messageOf(message);
  return Topic.open(topic).publish(body, options);
}

export const topic = {
  "topic.publish": publish,
  "topic.publish_batch": ({ topic, messages }) => answers(Topic.open(topic).publishBatch(messages.map(messageOf))),
};
