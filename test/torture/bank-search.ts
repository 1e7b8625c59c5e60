import type { LedgerOperation } from "../../src/core/ledger/operation.js";
import { Prng } from "../sim/prng.js";
import { describe, type Operation } from "./operation.js";
import { executedSets } from "./unanswered.js";

/** By account, in minor units. */
export type Balances = ReadonlyMap<string, bigint>;

/** What clients saw between two moments at which nothing was under way, and the state at both. */
export interface Window {
  readonly initial: Balances;
  readonly operations: readonly Operation[];
  readonly final: Balances;
}

/** What came of a search. */
type Verdict =
  /** There is an order that explains everything; operations that it did not need are left over. */
  | { readonly kind: "explained"; readonly leftOver: readonly Operation[] }
  /** None was found; the clause says what the longest attempt got stuck at. */
  | { readonly kind: "impossible"; readonly reason: string };

/** What an operation does to one account. Undefined: there is no such account. */
interface Change {
  readonly account: string;
  readonly before: bigint | undefined;
  readonly after: bigint;
}

/** One decision of the search: reads that were taken on the way, and the write after them. */
interface Step {
  readonly reads: readonly number[];
  readonly candidates: readonly number[];
  nextCandidate: number;
  taken: { readonly operation: number; readonly changes: readonly Change[] } | null;
}

/** Steps after which a search is given up: a hundred times what the longest window takes. */
const STEPS_MAX = 2_000_000;

const NOTHING: readonly Change[] = [];

/**
 * Looks for an order of the operations, as if the bank were one machine, that fits what each client
 * was told, respects real time (what ended before another began comes before it), and leads from
 * the initial balances to the final ones (Wing and Gong's search over the whole bank). So an
 * acknowledged operation that was lost, done twice or done otherwise than told, an effect that
 * nobody asked for, and a stale read all leave no order.
 *
 * It knows nothing of batches and views, nor of the product's ledger. A read, or a write that was
 * refused, is taken as soon as it fits: it changes nothing, so that an order with it later is also
 * one with it now. An operation without answer may come at any time after it began, or never;
 * which of them came follows from the final balances.
 */
export function explain(window: Window): Verdict {
  const answered = window.operations.filter(({ answer }) => answer !== null);
  const reasons: string[] = [];
  for (const executed of executedSets(window)) {
    const search = new Search({ ...window, operations: [...answered, ...executed] });
    const reason = search.run();
    if (reason === null) {
      const isLeft = (one: Operation): boolean => one.answer === null && !executed.includes(one);
      return { kind: "explained", leftOver: window.operations.filter(isLeft) };
    }
    reasons.push(reason);
  }
  const sum = "what is held in the end is not the sum of what was done, with or without answer";
  return { kind: "impossible", reason: reasons[0] ?? sum };
}

class Search {
  readonly #operations: readonly Operation[];
  readonly #final: Balances;
  readonly #balances: Map<string, bigint>;
  /** A ring of what is not placed yet, by begin; the last index is its head. */
  readonly #next: number[] = [];
  readonly #previous: number[] = [];
  /** A random number for each operation; the sum over those placed names a state. */
  readonly #names: readonly (readonly [number, number])[];
  readonly #seen = new Set<string>();
  readonly #steps: Step[] = [];
  #name: readonly [number, number] = [0, 0];
  #leftCount: number;
  #fewestLeft = Infinity;
  #stuck = "it never began";

  constructor({ initial, operations, final }: Window) {
    this.#operations = operations.toSorted((left, right) => left.begunMicros - right.begunMicros);
    this.#final = final;
    this.#balances = new Map(initial);
    this.#leftCount = this.#operations.length;
    const size = this.#operations.length + 1;
    const prng = new Prng("names of states");
    this.#names = this.#operations.map(() => [prng.u32(), prng.u32()]);
    for (let index = 0; index < size; index += 1) {
      this.#next.push((index + 1) % size);
      this.#previous.push((index + size - 1) % size);
    }
  }

  /** Null when there is an order, else what the longest attempt got stuck at. */
  run(): string | null {
    for (let steps = 0; steps < STEPS_MAX; steps += 1) {
      const reads = this.#takeReads();
      if (this.#isExplained()) return null;
      this.#noteProgress();
      const candidates = this.#isNew() ? this.#writesThatFit() : [];
      this.#steps.push({ reads, candidates, nextCandidate: 0, taken: null });
      if (!this.#advance()) return this.#stuck;
    }
    return `no order found in ${STEPS_MAX} steps: ${this.#stuck}`;
  }

  /** Takes the next write that fits, going back as far as it must; false when there is none. */
  #advance(): boolean {
    for (;;) {
      const step = this.#steps.at(-1);
      if (step === undefined) return false;
      this.#takeBack(step);
      const operation = step.candidates[step.nextCandidate];
      step.nextCandidate += 1;
      if (operation === undefined) {
        for (const read of step.reads.toReversed()) this.#restore(read);
        this.#steps.pop();
        continue;
      }
      const changes = this.#changesOf(this.#at(operation)) ?? NOTHING;
      for (const { account, after } of changes) this.#balances.set(account, after);
      this.#remove(operation);
      step.taken = { operation, changes };
      return true;
    }
  }

  #takeBack(step: Step): void {
    if (step.taken === null) return;
    this.#restore(step.taken.operation);
    for (const { account, before } of step.taken.changes.toReversed()) {
      if (before === undefined) this.#balances.delete(account);
      else this.#balances.set(account, before);
    }
    step.taken = null;
  }

  /** Places every read that fits now. */
  #takeReads(): number[] {
    const taken: number[] = [];
    for (;;) {
      const found = this.#candidates().filter((index) => {
        const { answer } = this.#at(index);
        return answer !== null && this.#changesOf(this.#at(index))?.length === 0;
      });
      if (found.length === 0) return taken;
      for (const index of found) this.#remove(index);
      taken.push(...found);
    }
  }

  /**
   * The most likely first: in the order of the batches that clients were told, which is only a hint
   * here. Without it, a choice that proves wrong a hundred operations later is hardly ever found.
   * Operations without an answer come last, the latest first: they are hardly ever needed.
   */
  #writesThatFit(): number[] {
    const fitting = this.#candidates().filter((index) => {
      return (this.#changesOf(this.#at(index))?.length ?? 0) > 0;
    });
    const rank = (index: number): number => this.#at(index).answer?.seq ?? Infinity;
    return [
      ...fitting
        .filter((index) => rank(index) < Infinity)
        .sort((left, right) => rank(left) - rank(right)),
      ...fitting.filter((index) => rank(index) === Infinity).toReversed(),
    ];
  }

  /** What may come next: nothing that is not placed ended before it began. */
  #candidates(): number[] {
    const found: number[] = [];
    let firstEnd = Infinity;
    const head = this.#operations.length;
    for (let index = this.#next[head] ?? head; index !== head; index = this.#next[index] ?? head) {
      const { begunMicros, endedMicros } = this.#at(index);
      if (begunMicros > firstEnd) break;
      firstEnd = Math.min(firstEnd, endedMicros);
      found.push(index);
    }
    return found;
  }

  /** What an operation would do now; null when that is not what its client was told. */
  #changesOf({ asked, answer }: Operation): readonly Change[] | null {
    const { code, balances } = expected(asked, this.#balances);
    if (answer === null) return code === "ok" ? this.#changes(asked, balances) : null;
    if (answer.code !== code) return null;
    if (code !== "ok") return NOTHING;
    const isAsTold =
      answer.balance === balances[0] && answer.targetBalance === (balances[1] ?? null);
    return isAsTold ? this.#changes(asked, balances) : null;
  }

  #changes(asked: LedgerOperation, balances: readonly bigint[]): readonly Change[] {
    if (asked.kind === "get") return NOTHING;
    const accounts = asked.kind === "move" ? [asked.source, asked.target] : [asked.account];
    return accounts.map((account, index) => {
      return { account, before: this.#balances.get(account), after: balances[index] ?? 0n };
    });
  }

  #isExplained(): boolean {
    if (this.#leftCount > 0 || this.#balances.size !== this.#final.size) return false;
    return this.#strangeAccount() === null;
  }

  /** An account that does not hold what it should in the end. */
  #strangeAccount(): string | null {
    const accounts = new Set([...this.#balances.keys(), ...this.#final.keys()]);
    for (const account of accounts) {
      if (this.#balances.get(account) !== this.#final.get(account)) return account;
    }
    return null;
  }

  /** Remembers what the attempt that got furthest could not explain. */
  #noteProgress(): void {
    if (this.#leftCount >= this.#fewestLeft) return;
    this.#fewestLeft = this.#leftCount;
    const account = this.#strangeAccount() ?? "no account";
    const waiting = this.#candidates().filter((index) => this.#at(index).answer !== null);
    const holds = waiting.map((index) => {
      const { asked } = this.#at(index);
      const accounts = asked.kind === "move" ? [asked.source, asked.target] : [asked.account];
      const held = accounts.map((one) => `${one} ${String(this.#balances.get(one))}`).join(", ");
      return `${describe(this.#at(index))} while holding ${held}`;
    });
    this.#stuck =
      this.#leftCount > 0
        ? `${this.#leftCount} operations have no place; next would be ${holds.join("; or ")}`
        : `in the end ${account} holds ${String(this.#final.get(account))} ` +
          `instead of ${String(this.#balances.get(account))}`;
  }

  /** Whether this set of operations was not placed before: what they lead to follows from it. */
  #isNew(): boolean {
    const name = this.#name.join();
    if (this.#seen.has(name)) return false;
    this.#seen.add(name);
    return true;
  }

  #at(index: number): Operation {
    const operation = this.#operations[index];
    if (operation === undefined) throw new Error("the index is one of an operation");
    return operation;
  }

  #remove(index: number): void {
    const [next, previous] = [this.#next[index] ?? 0, this.#previous[index] ?? 0];
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.#count(index, -1);
  }

  /** Undoes the latest `#remove` that is not undone. */
  #restore(index: number): void {
    const [next, previous] = [this.#next[index] ?? 0, this.#previous[index] ?? 0];
    this.#next[previous] = index;
    this.#previous[next] = index;
    this.#count(index, 1);
  }

  #count(index: number, change: 1 | -1): void {
    this.#leftCount += change;
    const [high, low] = this.#names[index] ?? [0, 0];
    this.#name = [this.#name[0] ^ high, this.#name[1] ^ low];
  }
}

/** What a bank with these balances says to an operation: a second bank, told from the first. */
function expected(
  asked: LedgerOperation,
  held: Balances,
): { readonly code: string; readonly balances: readonly bigint[] } {
  const refused = (code: string) => ({ code, balances: [] });
  if (asked.kind === "open") {
    if (held.has(asked.account)) return refused("account-exists");
    return { code: "ok", balances: [asked.balance] };
  }
  if (asked.kind === "move") return expectedMove(asked, held);
  const balance = held.get(asked.account);
  if (balance === undefined) return refused("unknown-account");
  if (asked.kind === "get") return { code: "ok", balances: [balance] };
  if (asked.kind === "deposit") return { code: "ok", balances: [balance + asked.amount] };
  if (balance < asked.amount) return refused("insufficient-funds");
  return { code: "ok", balances: [balance - asked.amount] };
}

function expectedMove(
  { source, target, amount }: Extract<LedgerOperation, { kind: "move" }>,
  held: Balances,
): { readonly code: string; readonly balances: readonly bigint[] } {
  const [from, to] = [held.get(source), held.get(target)];
  if (source === target) return { code: "same-account", balances: [] };
  if (from === undefined || to === undefined) return { code: "unknown-account", balances: [] };
  if (from < amount) return { code: "insufficient-funds", balances: [] };
  return { code: "ok", balances: [from - amount, to + amount] };
}
