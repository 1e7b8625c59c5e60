import { SingleBar } from "cli-progress";

/** Redraws of a whole bar: more would cost time that is being measured. */
const UPDATES_MAX = 200;

/** A progress bar on standard error; shows nothing where that is not a terminal. */
export class ProgressBar {
  readonly #isShown: boolean;
  #bar: SingleBar | null = null;
  #count = 0;
  #step = 1;

  /** @param isShown whether standard error is a terminal. */
  constructor(isShown: boolean) {
    this.#isShown = isShown;
  }

  /** Begins at 0 of `total`. */
  start(label: string, total: number): void {
    if (!this.#isShown) return;
    this.#count = 0;
    this.#step = Math.ceil(total / UPDATES_MAX);
    this.#bar = new SingleBar({
      format: `${label} [{bar}] {value}/{total}, {eta_formatted} left`,
      stream: process.stderr,
      clearOnComplete: true,
      hideCursor: true,
      gracefulExit: false,
    });
    this.#bar.start(total, 0);
  }

  /** One more is done. */
  advance(): void {
    this.#count += 1;
    if (this.#count % this.#step === 0) this.#bar?.update(this.#count);
  }

  /** Removes the bar and gives the cursor back. Idempotent. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
