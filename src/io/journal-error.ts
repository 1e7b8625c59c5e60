/** The world's fault: the journal cannot be used. The message says what to do. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}
