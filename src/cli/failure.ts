import { InvariantError } from "../core/base/assert.js";

/** The operation failed for a reason outside of this program. The message says what to do. */
export class FailedOperation extends Error {
  override readonly name = "FailedOperation";
}

/**
 * What to tell the user about `error`; null when it is a bug of ours, which deserves its stack
 * instead.
 */
export function sentenceFor(error: unknown): string | null {
  if (!(error instanceof Error) || isBug(error)) return null;
  return systemSentence(error) ?? error.message;
}

function isBug(error: Error): boolean {
  const kinds = [InvariantError, TypeError, RangeError, ReferenceError, SyntaxError];
  return kinds.some((kind) => error instanceof kind);
}

/** What the operating system reports by a code, in words; null for any other error. */
function systemSentence(error: Error & Partial<NodeJS.ErrnoException>): string | null {
  switch (error.code) {
    case "EACCES":
    case "EPERM":
      return `Permission denied: ${error.message}.`;
    case "ENOSPC":
      return "The disk is full. Make room and start again.";
    case "EMFILE":
      return "Too many files are open. Raise the limit (ulimit -n) and start again.";
    default:
      return null;
  }
}
