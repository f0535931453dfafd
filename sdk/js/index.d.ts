// Types of the package `wasm-faas`. Names ending in `Ms` are milliseconds; an instant is milliseconds since the Unix epoch.

/** What a function's entry module exports as `handle`; it may be `async`. */
export type Handler = (event: Event) => Result | Promise<Result>;

/**
 * What it exports instead as `handleBatch`, for up to 100 events at once. Nothing: all of them are handled. An array has an
 * error for each event that is not, and anything else for one that is. An error that is thrown has all of them tried again.
 */
export type BatchHandler = (events: Event[]) => readonly unknown[] | undefined | null | void;

/** Handles each event for itself: the array of a `BatchHandler`, an error where `handle` threw. */
export function each(events: readonly Event[], handle: (event: Event) => void): (Error | null)[];

/** A text answers as `text/plain`, bytes as `application/octet-stream`, nothing as empty, anything else as JSON. */
export type Result = Response | Body | undefined | null | void;

/** Text and bytes as they are, any other object, number or boolean as JSON. */
export type Body = string | number | boolean | object;

/** Names and values; a value may be an array where a name comes more than once. */
export type Attributes =
  { readonly [name: string]: string | readonly string[] } | Iterable<readonly [name: string, value: string]>;

export class Event {
  private constructor();
  /** The same on every retry of this event. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string | null;
  readonly timeMs: number;
  readonly time: Date;
  readonly contentType: string | null;
  readonly attributes: Record<string, string>;
  readonly trigger: Trigger;
  readonly data: Uint8Array;
  /** The data as UTF-8. */
  text(): string;
  /** The data as JSON. Throws `SyntaxError`. */
  json<T = any>(): T;
}

/** In order; a name may come more than once. */
export interface Pairs extends ReadonlyArray<[name: string, value: string]> {
  get(name: string): string | null;
  getAll(name: string): string[];
}

export interface Delivery {
  source: string;
  messageId: string;
  receiveCount: number;
  sentAtMs: number;
  firstReceivedAtMs: number;
  group: string | null;
}

export type Trigger =
  | { kind: "invoke" }
  | {
      kind: "http";
      method: string;
      path: string;
      route: string | null;
      parameters: Pairs;
      query: Pairs;
      /** Names in lower case. */
      headers: Pairs;
    }
  | ({ kind: "queue" } & Delivery)
  | ({ kind: "topic" } & Delivery)
  | { kind: "schedule"; schedule: string; plannedMs: number }
  | {
      kind: "blob";
      container: string;
      key: string;
      change: "created" | "removed";
      etag: string | null;
      size: number | null;
    }
  | { kind: "kv"; bucket: string; key: string; change: "set" | "removed" | "expired"; version: number | null };

export interface ResponseOptions {
  /** HTTP status where the caller speaks HTTP; 200 when absent. */
  status?: number;
  contentType?: string | null;
  /** Headers where the caller speaks HTTP. */
  attributes?: Attributes;
}

export class Response {
  constructor(body?: Body | null, options?: ResponseOptions);
  static json(value: unknown, options?: ResponseOptions): Response;
  static text(value: string, options?: ResponseOptions): Response;
  static bytes(value: Uint8Array | ArrayBuffer | ArrayBufferView, options?: ResponseOptions): Response;
  data: Uint8Array;
  status: number | null;
  contentType: string | null;
  attributes: Attributes;
  /** The data as UTF-8. */
  text(): string;
  /** The data as JSON. Throws `SyntaxError`. */
  json<T = any>(): T;
}

/** Thrown by a handler: wrong for good, the event is not tried again. */
export class Rejected extends Error {
  constructor(reason: string);
}

/** Thrown by a handler: the event is tried again, not before `afterMs`. */
export class Retry extends Error {
  constructor(reason: string, options?: { afterMs?: number | null });
  afterMs: number | null;
}

export type ErrorCode =
  | "access-denied"
  | "not-found"
  | "conflict"
  | "lease-lost"
  | "too-large"
  | "invalid"
  | "throttled"
  | "unsupported"
  | "unavailable"
  | "unknown-outcome";

/** What a service answered instead of a result. */
export class ServiceError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | number | null;
}

export class AccessDenied extends ServiceError {
  constructor(detail: string);
}
export class NotFound extends ServiceError {
  constructor();
}
/** `detail` is the version that is there now, when known. */
export class Conflict extends ServiceError {
  constructor(version: number | null);
}
export class LeaseLost extends ServiceError {
  constructor();
}
/** `detail` is the limit, in bytes or entries. */
export class TooLarge extends ServiceError {
  constructor(limit: number);
}
export class Invalid extends ServiceError {
  constructor(detail: string);
}
/** `detail` is the milliseconds to wait. */
export class Throttled extends ServiceError {
  constructor(waitMs: number);
}
export class Unsupported extends ServiceError {
  constructor(detail: string);
}
/** The operation was not applied. */
export class Unavailable extends ServiceError {
  constructor(detail: string);
}
/** The operation may have been applied. */
export class UnknownOutcome extends ServiceError {
  constructor(detail: string);
}

/** What became of each part of a batch, as with `Promise.allSettled`; a reason is a `ServiceError`. */
export type Settled<T> = { status: "fulfilled"; value: T } | { status: "rejected"; reason: ServiceError };

export interface KeyCondition {
  ifAbsent?: boolean;
  ifVersion?: number | null;
}

export interface Entry {
  readonly value: Uint8Array;
  readonly version: number;
  readonly expiresAtMs: number | null;
  text(): string;
  json<T = any>(): T;
}

export type Operation =
  | ({ check: string } & KeyCondition)
  | ({ set: string; value: Body; ttlMs?: number | null } & KeyCondition)
  | ({ delete: string } & KeyCondition);

/** A key-value bucket. */
export class Bucket {
  private constructor();
  static open(name: string): Bucket;
  readonly name: string;
  get(key: string): Entry | null;
  getMany(keys: readonly string[]): (Entry | null)[];
  exists(key: string): boolean;
  /** The new version. */
  set(key: string, value: Body, options?: KeyCondition & { ttlMs?: number | null }): number;
  /** True when a key was there. */
  delete(key: string, options?: { ifVersion?: number | null }): boolean;
  /** The sum, exact up to 2^53. */
  increment(key: string, delta?: number, options?: { ttlMs?: number | null }): number;
  list(
    prefix?: string,
    options?: { cursor?: string | null; limit?: number },
  ): { keys: string[]; cursor: string | null };
  keys(prefix?: string): Generator<string>;
  /** All or nothing; the new version of each key set, 0 for other operations. */
  transact(operations: readonly Operation[]): number[];
}

export interface PublishOptions {
  contentType?: string | null;
  attributes?: Attributes | null;
  group?: string | null;
  deduplicationId?: string | null;
}

export interface SendOptions extends PublishOptions {
  delayMs?: number | null;
  ttlMs?: number | null;
}

export interface Accepted {
  id: string;
  duplicate: boolean;
}

/** A message under lease. */
export interface Message {
  readonly id: string;
  readonly receipt: string;
  readonly body: Uint8Array;
  readonly contentType: string | null;
  readonly attributes: Record<string, string>;
  readonly group: string | null;
  readonly receiveCount: number;
  readonly sentAtMs: number;
  readonly firstReceivedAtMs: number;
  text(): string;
  json<T = any>(): T;
  acknowledge(): void;
  release(delayMs?: number): void;
  extend(leaseMs: number): void;
}

export class Queue {
  private constructor();
  static open(name: string): Queue;
  readonly name: string;
  send(body: Body, options?: SendOptions): Accepted;
  sendBatch(messages: readonly ({ body: Body } & SendOptions)[]): Settled<Accepted>[];
  receive(options?: { max?: number; waitMs?: number; leaseMs?: number | null }): Message[];
  acknowledge(receipts: readonly string[]): Settled<undefined>[];
  release(receipt: string, delayMs?: number): void;
  extend(receipt: string, leaseMs: number): void;
  stats(): { ready: number; delayed: number; leased: number; oldestAgeMs: number; exact: boolean };
}

export class Topic {
  private constructor();
  static open(name: string): Topic;
  readonly name: string;
  publish(body: Body, options?: PublishOptions): Accepted;
  publishBatch(messages: readonly ({ body: Body } & PublishOptions)[]): Settled<Accepted>[];
}

export interface CallOptions {
  contentType?: string | null;
  attributes?: Attributes | null;
  /** The event's type; `faas.invoke` when absent. */
  type?: string | null;
  subject?: string | null;
}

export interface AsyncCallOptions extends CallOptions {
  delayMs?: number | null;
  deduplicationId?: string | null;
}

/** Invokes another function and waits for its response. Throws `InvokeError`, `ServiceError`. */
export function invoke(name: string, data?: Body | null, options?: CallOptions): Response;

/** Leaves an event for another function, which handles it later. Throws `ServiceError`. */
export function invokeAsync(name: string, data?: Body | null, options?: AsyncCallOptions): Accepted;

/** Why an invoked function gave no response: it rejected the event, asks to try again or failed, or was stopped. */
export class InvokeError extends Error {
  private constructor();
  readonly code: "rejected" | "retry" | "stopped";
  readonly reason: string;
  /** When it asks to be tried again. */
  readonly afterMs: number | null;
}

export interface ObjectInfo {
  key: string;
  size: number;
  etag: string;
  contentType: string | null;
  modifiedMs: number;
  metadata: Record<string, string>;
}

export interface StoredObject {
  readonly info: ObjectInfo;
  readonly data: Uint8Array;
  text(): string;
  json<T = any>(): T;
}

export interface ObjectCondition {
  ifAbsent?: boolean;
  /** The etag that must be there. */
  ifMatch?: string | null;
}

export interface PutOptions extends ObjectCondition {
  contentType?: string | null;
  metadata?: Attributes | null;
}

export interface Range {
  start?: number;
  length?: number | null;
}

export interface Listing {
  objects: ObjectInfo[];
  prefixes: string[];
  cursor: string | null;
}

/** A container of blobs. */
export class Container {
  private constructor();
  static open(name: string): Container;
  readonly name: string;
  head(key: string): ObjectInfo | null;
  /** At most 8 MiB; use `reader` beyond. */
  get(key: string, range?: Range | null): StoredObject | null;
  /** At most 8 MiB; use `writer` beyond. */
  put(key: string, data: Body, options?: PutOptions): ObjectInfo;
  copy(source: string, destination: string, options?: ObjectCondition): ObjectInfo;
  delete(key: string, options?: { ifMatch?: string | null }): boolean;
  deleteMany(keys: readonly string[]): Settled<boolean>[];
  list(prefix?: string, options?: { delimiter?: string | null; cursor?: string | null; limit?: number }): Listing;
  objects(prefix?: string): Generator<ObjectInfo>;
  reader(key: string, range?: Range | null): Reader;
  writer(key: string, options?: PutOptions): Writer;
  presign(method: "get" | "put", key: string, ttlMs: number): string;
}

/** Iterates over pieces of at most 1 MiB. */
export interface Reader extends Iterable<Uint8Array> {
  readonly info: ObjectInfo;
  /** Empty at the end. */
  read(max?: number): Uint8Array;
  close(): void;
}

/** Stores an object in pieces; without `finish` it stores nothing. */
export interface Writer {
  write(data: Body): void;
  finish(): ObjectInfo;
  close(): void;
}

export namespace config {
  /** Null when it is not set. */
  function get(key: string): string | null;
  /** Throws `AccessDenied`, `Unavailable`. */
  function secret(name: string): string;
}

export interface Invocation {
  id: string;
  function: string;
  version: string;
  attempt: number;
  deadlineMs: number;
  memoryLimit: number;
  fuelLimit: number | null;
  traceparent: string | null;
}

export namespace context {
  function current(): Invocation;
  function remainingTimeMs(): number;
  function remainingFuel(): number | null;
  function nowMs(): number;
  /** At most 65,536. */
  function randomBytes(count: number): Uint8Array;
  /** Suspends the whole instance. */
  function sleep(durationMs: number): void;
}

export namespace log {
  type Fields = { readonly [name: string]: unknown };
  function trace(message: unknown, fields?: Fields | null): void;
  function debug(message: unknown, fields?: Fields | null): void;
  function info(message: unknown, fields?: Fields | null): void;
  function warn(message: unknown, fields?: Fields | null): void;
  function error(message: unknown, fields?: Fields | null): void;
}
