import { Queue } from "wasm-faas";
import { messageOf } from "./messages.js";
import { answers, encode, snake } from "./results.js";

function receive({ queue, max, wait_ms: waitMs, lease_ms: leaseMs }) {
  const messages = Queue.open(queue).receive({ max, waitMs, leaseMs });
  return messages.map((message) => snake({ ...message, body: encode(message.body) }));
}

function send({ queue, message }) {
  const { body, ...options } = messageOf(message);
  return Queue.open(queue).send(body, options);
}

export const queue = {
  "queue.send": send,
  "queue.send_batch": ({ queue, messages }) => answers(Queue.open(queue).sendBatch(messages.map(messageOf))),
  "queue.receive": receive,
  "queue.acknowledge": ({ queue, receipts }) => answers(Queue.open(queue).acknowledge(receipts)),
  "queue.release": ({ queue, receipt, delay_ms: delayMs }) => Queue.open(queue).release(receipt, delayMs),
  "queue.extend": ({ queue, receipt, lease_ms: leaseMs }) => Queue.open(queue).extend(receipt, leaseMs),
  "queue.stats": ({ queue }) => snake(Queue.open(queue).stats()),
};
