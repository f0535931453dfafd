// Errors a handler throws (`Rejected`, `Retry`) and errors the services throw (`ServiceError`).

/** Wrong for good: the event is not tried again and is dead-lettered at once. */
export class Rejected extends Error {
  constructor(reason) {
    super(reason);
    this.name = "Rejected";
  }
}

/** Not now: the event is tried again, after `afterMs` milliseconds or as its source's retry policy says. */
export class Retry extends Error {
  constructor(reason, { afterMs = null } = {}) {
    super(reason);
    this.name = "Retry";
    this.afterMs = afterMs;
  }
}

/** What a service answered instead of a result: `code` is the contract's name of the error, `detail` what it carries. */
export class ServiceError extends Error {
  constructor(code, detail, text) {
    super(text);
    // Not the class's own name: bundling may change that.
    this.name = code.replace(/(?:^|-)(.)/g, (_, letter) => letter.toUpperCase());
    this.code = code;
    this.detail = detail;
  }

  /** The same error with the resource it is about named in the message. */
  about(subject) {
    this.message = `${subject}: ${this.message}`;
    return this;
  }
}

/**
 * Why an invoked function gave no response: `code` is `rejected`, `retry` (it asks for that, or failed) or `stopped` (by a
 * trap, an exit, a limit or a deadline), `reason` what it said, `afterMs` when it asks to be tried again.
 */
export class InvokeError extends Error {
  constructor(subject, code, reason, afterMs = null) {
    super(`${subject} ${MEANINGS[code]}: ${reason}`);
    this.name = "InvokeError";
    this.code = code;
    this.reason = reason;
    this.afterMs = afterMs;
  }
}

const MEANINGS = { rejected: "rejected the event", retry: "failed", stopped: "was stopped" };

/** The function has no grant for this; `detail` names what would give it. */
export class AccessDenied extends ServiceError {
  constructor(detail) {
    super("access-denied", detail, `access denied: ${detail}`);
  }
}

/** There is no such bucket, queue, topic, container or object. */
export class NotFound extends ServiceError {
  constructor() {
    super("not-found", null, "not found");
  }
}

/** A condition did not hold, or an increment would overflow; `detail` is the version there now, when known. */
export class Conflict extends ServiceError {
  constructor(version) {
    super("conflict", version, version === null ? "conflict" : `conflict: the version there now is \`${version}\``);
  }
}

/** The lease ended: another receiver may have the message. */
export class LeaseLost extends ServiceError {
  constructor() {
    super("lease-lost", null, "the lease ended");
  }
}

/** Over a limit; `detail` is the limit in bytes or entries. */
export class TooLarge extends ServiceError {
  constructor(limit) {
    super("too-large", limit, `too large: the limit is ${limit}`);
  }
}

/** An argument is malformed; `detail` says which and why. */
export class Invalid extends ServiceError {
  constructor(detail) {
    super("invalid", detail, `invalid: ${detail}`);
  }
}

/** Over a rate; `detail` is the milliseconds to wait. */
export class Throttled extends ServiceError {
  constructor(waitMs) {
    super("throttled", waitMs, `throttled: wait ${waitMs} ms`);
  }
}

/** This backend cannot do it; `detail` names the feature. */
export class Unsupported extends ServiceError {
  constructor(detail) {
    super("unsupported", detail, `unsupported: ${detail}`);
  }
}

/** The backend is away; the operation was not applied. */
export class Unavailable extends ServiceError {
  constructor(detail) {
    super("unavailable", detail, `unavailable: ${detail}`);
  }
}

/** The backend went away in the middle; the operation may have been applied. */
export class UnknownOutcome extends ServiceError {
  constructor(detail) {
    super("unknown-outcome", detail, `unknown outcome: ${detail}`);
  }
}
