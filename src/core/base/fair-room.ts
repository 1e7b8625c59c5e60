import type { ClientId } from "./ids.js";

/** Something that waits, whose it is, and what it takes of the room. */
interface Waiting<Item> {
  readonly client: ClientId;
  readonly item: Item;
  readonly size: number;
}

/**
 * A bounded queue of what clients wait for. A client gets as much as is free: half of it all, with
 * k that take all they can a (k + 1)-th part (RB1).
 */
export class FairRoom<Item> {
  readonly #sizeMax: number;
  #size = 0;
  #waiting: Waiting<Item>[] = [];
  /** How much of it each client has. */
  readonly #sizes = new Map<ClientId, number>();

  /** @param sizeMax how much may wait, in what sizes are given in: bytes, or items. */
  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** How many wait. */
  get count(): number {
    return this.#waiting.length;
  }

  /** How much of the room they take. */
  get size(): number {
    return this.#size;
  }

  /** Lets an item of that size wait; false when `client` gets no more room. */
  add(client: ClientId, item: Item, size: number): boolean {
    const sizeOfClient = (this.#sizes.get(client) ?? 0) + size;
    if (sizeOfClient > this.#sizeMax - this.#size) return false;
    this.#sizes.set(client, sizeOfClient);
    this.#size += size;
    this.#waiting.push({ client, item, size });
    return true;
  }

  /** Takes from the front what is due, up to the first item that is not. */
  take(isDue: (item: Item, size: number) => boolean): Item[] {
    const first = this.#waiting.findIndex(({ item, size }) => !isDue(item, size));
    const taken = this.#waiting.splice(0, first < 0 ? this.#waiting.length : first);
    for (const one of taken) this.#release(one);
    return taken.map(({ item }) => item);
  }

  #release({ client, size }: Waiting<Item>): void {
    this.#size -= size;
    const left = (this.#sizes.get(client) ?? 0) - size;
    if (left > 0) this.#sizes.set(client, left);
    else this.#sizes.delete(client);
  }
}
