import type { ClientId, Ticks } from "../core/base/ids.js";

/**
 * How long a client is not listened to after a signature of its own that is wrong. Its frame was
 * authentic, so the client is broken or hostile; one such check a second harms nobody.
 */
const SILENCE_TICKS = 100;

/**
 * Which clients have used up their right to have signatures checked (AU3, RB2). One number a
 * client, whatever it sends.
 */
export class SignatureBudget {
  readonly #silentUntil = new Map<ClientId, Ticks>();
  #now: Ticks = 0;

  /** One tick passed. */
  tick(): void {
    this.#now += 1;
  }

  /** A signature of `client` was wrong. */
  wasted(client: ClientId): void {
    this.#silentUntil.set(client, this.#now + SILENCE_TICKS);
  }

  /** Whether what `client` sends is to be looked at now. */
  allows(client: ClientId): boolean {
    return (this.#silentUntil.get(client) ?? 0) <= this.#now;
  }
}
