import type { Ticks, View } from "../base/ids.js";

/** Batches served in a row after which a view may have shown what it needs. */
const SERVED_IN_ROW = 8;

/** How many times the slowest of them T has to be: room for one that has bad luck. */
const SLOWEST_FACTOR = 2;

/** Doublings after which nothing but the cap counts. */
const DOUBLINGS_MAX = 30;

/** What the timer's bounds are. */
interface TimerOptions {
  /** T before it is doubled. */
  readonly viewChangeTicks: Ticks;
  /** Most that doubling may make of it. */
  readonly viewChangeTicksMax: Ticks;
}

/**
 * T: how long a request may wait, and a new view may take, before the next view is asked for (VT1,
 * VT2, VT3).
 *
 * It doubles with every view that fails, up to a cap. A single request served does not undo that:
 * on a network for which T is too short each view would get through one batch, and views would
 * change for ever. What undoes it is a row of batches, all served in less than half of the shorter
 * T (VT5). A row lasts T at least: waits count from when the view began, so that at first all of
 * them look short.
 */
export class ViewTimer {
  readonly #options: TimerOptions;
  /** The last view that did not count as failed. */
  #steadyView: View = 0;
  #servedInRow = 0;
  /** When the first of the row was served. */
  #rowSinceTicks: Ticks = 0;
  #slowestTicks: Ticks = 0;

  constructor(options: TimerOptions) {
    this.#options = options;
  }

  /** T in `view`. */
  timeoutTicks(view: View): Ticks {
    return this.#timeout(view - this.#steadyView);
  }

  /**
   * A batch of `view`, the present one, had waited for `ticks` when all up to it was decided, at
   * `now`.
   */
  served(view: View, ticks: Ticks, now: Ticks): void {
    if (this.#servedInRow === 0) this.#rowSinceTicks = now;
    this.#servedInRow += 1;
    this.#slowestTicks = Math.max(this.#slowestTicks, ticks);
    if (this.#servedInRow < SERVED_IN_ROW) return;
    if (now - this.#rowSinceTicks < this.#options.viewChangeTicks) return;
    this.#steadyView = Math.max(this.#steadyView, view - this.#viewsToCount());
    this.restart();
  }

  /** Another view begins, and with it another row. */
  restart(): void {
    this.#servedInRow = 0;
    this.#slowestTicks = 0;
  }

  /** Views up to `view` are no failures in a row: doubling starts anew. */
  forgive(view: View): void {
    this.#steadyView = view;
    this.restart();
  }

  /**
   * How many views up to the present one count as failed, judged by the row that has been served:
   * as many as it takes for T to leave room for the slowest; none if T itself does.
   */
  #viewsToCount(): number {
    const neededTicks = SLOWEST_FACTOR * this.#slowestTicks;
    let views = 0;
    while (views <= DOUBLINGS_MAX && this.#timeout(views) < neededTicks) views += 1;
    return views;
  }

  /** T when so many views in a row, the present one included, count as failed or as untried. */
  #timeout(views: number): Ticks {
    const { viewChangeTicks, viewChangeTicksMax } = this.#options;
    const doublings = Math.min(Math.max(0, views - 1), DOUBLINGS_MAX);
    return Math.min(viewChangeTicks * 2 ** doublings, viewChangeTicksMax);
  }
}
