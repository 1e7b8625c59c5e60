import type { Verifier } from "../core/crypto/check.js";

/** A verifier that tells how much it has not answered yet. */
export class CountingVerifier implements Verifier {
  readonly #verifier: Verifier;
  #queued = 0;

  constructor(verifier: Verifier) {
    this.#verifier = verifier;
  }

  /** Lists of checks that were submitted and are not answered. */
  get queued(): number {
    return this.#queued;
  }

  get description(): string {
    return this.#verifier.description;
  }

  canAccept(source: number): boolean {
    return this.#verifier.canAccept(source);
  }

  submit(...[source, bytes, checks, done]: Parameters<Verifier["submit"]>): void {
    this.#queued += 1;
    this.#verifier.submit(source, bytes, checks, (verdict) => {
      this.#queued -= 1;
      done(verdict);
    });
  }

  close(): Promise<void> {
    return this.#verifier.close();
  }
}
