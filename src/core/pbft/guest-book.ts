import type { ReplicaId, Seq, Ticks, View } from "../base/ids.js";
import type { VoteBounds } from "./rejoin-estimate.js";

/** Time between two questions of a replica that rejoins: short against all that it waits for. */
export const REJOIN_ASK_TICKS = 10;

/**
 * A replica that was not heard of for so long is away: it needs no help, or four of its questions
 * were lost.
 */
const HEARD_TICKS_MAX = 5 * REJOIN_ASK_TICKS;

/** A view whose primary may help, and how far it got. */
interface Hope {
  readonly view: View;
  /** For how long it was asked in all; the time in which the guest was away does not count. */
  askedTicks: Ticks;
  executedSeq: Seq;
  /** For how long it was asked since its last step. */
  stepTicks: Ticks;
}

/** What is known of one replica that asks for help, and what it was granted. */
export interface Guest {
  heardTicks: Ticks;
  answeredTicks: Ticks;
  granted: VoteBounds | null;
  grantedTicks: Ticks;
  pauseTicks: Ticks;
  /** What was hoped of the primary of a view. */
  hope: Hope | null;
  /** How often we may still give up a primary that does not help. */
  impatienceLeft: number;
  /** When a view was left last because this guest led it, and the pause until that may be again. */
  passedOverTicks: Ticks;
  passedOverPauseTicks: Ticks;
}

/** The replicas that ask for help. */
export class GuestBook {
  readonly #guests: Guest[];

  constructor(replicaCount: number) {
    this.#guests = Array.from({ length: replicaCount }, () => ({
      heardTicks: -Infinity,
      answeredTicks: -Infinity,
      granted: null,
      grantedTicks: -Infinity,
      pauseTicks: 0,
      hope: null,
      impatienceLeft: 0,
      passedOverTicks: -Infinity,
      passedOverPauseTicks: 0,
    }));
  }

  /** What is known of `replica`. */
  of(replica: ReplicaId): Guest | null {
    return this.#guests[replica] ?? null;
  }

  /** Those that asked lately. */
  present(now: Ticks): { readonly id: ReplicaId; readonly guest: Guest }[] {
    const present = [];
    for (const [id, guest] of this.#guests.entries()) {
      if (now - guest.heardTicks < HEARD_TICKS_MAX) present.push({ id, guest });
    }
    return present;
  }
}
