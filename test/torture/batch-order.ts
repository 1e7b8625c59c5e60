import { describe, type Operation } from "./operation.js";

/** An operation that was ordered, and the batch that its client was told. */
interface Ordered {
  readonly operation: Operation;
  readonly seq: number;
}

/**
 * Whether the batches that clients were told fit real time: what ended before another began was in
 * no later batch. Null when they do, else a clause.
 */
export function batchFault(operations: readonly Operation[]): string | null {
  const ordered = operations.flatMap((operation) => orderedIn(operation));
  const byBegin = ordered.toSorted((left, right) => begin(left) - begin(right));
  const byEnd = ordered.toSorted((left, right) => end(left) - end(right));
  let latest = null as Ordered | null;
  let endedCount = 0;
  for (const after of byBegin) {
    for (let one = byEnd[endedCount]; isBefore(one, after); one = byEnd[endedCount]) {
      latest = one.seq > (latest?.seq ?? 0) ? one : latest;
      endedCount += 1;
    }
    if (latest !== null && after.seq < latest.seq) return sentence(latest, after);
  }
  return null;
}

function isBefore(one: Ordered | undefined, after: Ordered): one is Ordered {
  return one !== undefined && end(one) < begin(after);
}

function orderedIn(operation: Operation): readonly Ordered[] {
  const { answer } = operation;
  return answer === null || answer.path === "read-only" ? [] : [{ operation, seq: answer.seq }];
}

function begin({ operation }: Ordered): number {
  return operation.begunMicros;
}

function end({ operation }: Ordered): number {
  return operation.endedMicros;
}

function sentence(before: Ordered, after: Ordered): string {
  return (
    `${describe(after.operation)} was in batch ${after.seq}, but began after ` +
    `${describe(before.operation)}, which was in batch ${before.seq}, had ended`
  );
}
