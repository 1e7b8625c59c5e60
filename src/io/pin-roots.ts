import { assert } from "../core/base/assert.js";
import type { Digest } from "../core/base/hasher.js";
import type { Seq } from "../core/base/ids.js";
import type { HostedService } from "./hosted-service.js";
import type { TurnBudget } from "./turn-budget.js";

interface PinRootsOptions {
  readonly service: Pick<HostedService, "pin" | "pinRoot" | "rehashSomePinned">;
  readonly budget: Pick<TurnBudget, "trickle">;
  /** Takes the root of the state that was pinned at `seq`. */
  readonly tell: (seq: Seq, serviceRoot: Digest) => void;
}

/**
 * Pins the state at checkpoints and finds out their roots behind that, a bit in each turn, while
 * execution goes on: four replicas on two slow processors, with a million accounts, executed
 * nothing for 0.16 to 0.3 s at each checkpoint otherwise. Each root is told once, before the next
 * state is pinned.
 */
export class PinRoots {
  readonly #options: PinRootsOptions;
  /** The last pin, if its root was not told. */
  #seq: Seq | null = null;

  constructor(options: PinRootsOptions) {
    this.#options = options;
  }

  /** Pins the present state as that after `seq`. */
  pin(seq: Seq): void {
    const { service, budget } = this.#options;
    this.tell();
    service.pin(seq);
    this.#seq = seq;
    void budget.trickle(this.#hashing(seq)).then(() => {
      if (this.#seq === seq) this.tell();
    });
  }

  /** The steps to where `pin` and `tell` find nothing left to hash. */
  hashing(): Generator<void, void> {
    return this.#hashing(this.#seq);
  }

  /**
   * Tells now what is not told of the states up to `seq`; by default of all. To be called before
   * the whole state is replaced, for what is pinned goes with it.
   */
  tell(seq: Seq = Number.POSITIVE_INFINITY): void {
    const pinned = this.#seq;
    if (pinned === null || pinned > seq) return;
    this.#seq = null;
    const serviceRoot = this.#options.service.pinRoot(pinned);
    assert(serviceRoot !== null, "the last pin goes with the whole state only");
    this.#options.tell(pinned, serviceRoot);
  }

  *#hashing(seq: Seq | null): Generator<void, void> {
    const { service } = this.#options;
    while (seq !== null && this.#seq === seq && !service.rehashSomePinned()) yield;
  }
}
