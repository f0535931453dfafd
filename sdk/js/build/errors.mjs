// How a build fails, and with which exit status.

/** The author's mistake: exit status 1. */
export class AuthorError extends Error {
  exitStatus = 1;
}

/** Wrong usage of the build script: exit status 2. */
export class UsageError extends Error {
  exitStatus = 2;
}

/** A toolchain that is missing or does not work: exit status 3. */
export class ToolchainError extends Error {
  exitStatus = 3;
}
