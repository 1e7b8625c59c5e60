/** A broken invariant of our own code. Never caught inside the core: the process stops loudly. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Checks an invariant of our own code; always on, in production too.
 * A peer's or a client's fault is never an assertion: it is a reject code.
 * @throws InvariantError when `condition` is false.
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/**
 * Ends a switch over a closed union: the compiler proves that no member is missing.
 * @throws InvariantError always.
 */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`);
}
