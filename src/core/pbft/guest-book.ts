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

/** Pause after the first time: a rejoin under way gets along without a second grant. */
const PAUSE_TICKS_MIN = 500;

/** Most that doubling makes of a pause: an hour, at ticks of 10 ms. */
const PAUSE_TICKS_MAX = 360_000;

/** When something was last done for a guest, and the pause until it may be again. */
class DoublingPause {
  startTicks: Ticks = -Infinity;
  #ticks: Ticks = 0;

  isOver(now: Ticks): boolean {
    return now - this.startTicks >= this.#ticks;
  }

  /** It was done now. */
  begin(now: Ticks): void {
    this.startTicks = now;
    this.#ticks = Math.min(Math.max(PAUSE_TICKS_MIN, 2 * this.#ticks), PAUSE_TICKS_MAX);
  }
}

/** What is known of one replica that asks for help, and what it was granted. */
export interface Guest {
  heardTicks: Ticks;
  answeredTicks: Ticks;
  granted: VoteBounds | null;
  readonly grantPause: DoublingPause;
  /** What was hoped of the primary of a view. */
  hope: Hope | null;
  /** How often we may still give up a primary that does not help. */
  impatienceLeft: number;
  /** Of leaving a view at once because this guest leads it. */
  readonly passOverPause: DoublingPause;
}

/** The replicas that ask for help. */
export class GuestBook {
  readonly #guests: Guest[];

  constructor(replicaCount: number) {
    this.#guests = Array.from({ length: replicaCount }, () => ({
      heardTicks: -Infinity,
      answeredTicks: -Infinity,
      granted: null,
      grantPause: new DoublingPause(),
      hope: null,
      impatienceLeft: 0,
      passOverPause: new DoublingPause(),
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
