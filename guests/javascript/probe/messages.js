import { decode } from "./results.js";

/** The probe's message as the SDK's `{ body, ...options }`. */
export function messageOf({ body, content_type, delay_ms, deduplication_id, ttl_ms, ...rest }) {
  return {
    ...rest,
    body: decode(body),
    contentType: content_type,
    delayMs: delay_ms,
    deduplicationId: deduplication_id,
    ttlMs: ttl_ms,
  };
}
