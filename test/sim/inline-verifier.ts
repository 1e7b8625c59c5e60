import type { Check, Verdict, Verifier } from "../../src/core/crypto/check.js";
import type { CheckRunner } from "../../src/workers/run-checks.js";

/** Runs every list at once on the calling thread: `done` is called before `submit` returns. */
export class InlineVerifier implements Verifier {
  readonly description: string;
  readonly waitingCount = 0;
  readonly #runner: CheckRunner;

  constructor(runner: CheckRunner) {
    this.description = `${runner.cryptoName} on the main thread`;
    this.#runner = runner;
  }

  canAccept(): boolean {
    return true;
  }

  submit(
    _source: number,
    bytes: Uint8Array,
    checks: readonly Check[],
    done: (verdict: Verdict) => void,
  ): void {
    done(this.#runner.run(bytes, checks));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
