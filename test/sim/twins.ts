/*
 * Twins (Bano et al., 2020): two instances of one replica, with one key and one address, each of
 * them correct by itself. The network decides whom each of them hears and is heard by, and changes
 * its mind. Together they are one Byzantine replica: they vote twice, for different things.
 */
import type { SocketAddress } from "../../src/io/udp-socket.js";
import { Liar } from "./byzantine/liar.js";
import { Machine } from "./machine.js";
import type { Prng } from "./prng.js";
import { type Micros, MS, SECOND } from "./scheduler.js";
import type { Receiver, Wire } from "./wire.js";
import type { World } from "./world.js";

/** A replica that exists twice. */
export interface TwinOptions {
  /** When the second instance starts, with empty disks: 0, or later as one with amnesia. */
  readonly secondStartsAt: Micros;
  /** Mean time between two changes of who hears whom. */
  readonly shuffleEvery: Micros;
}

/** Share of the Byzantine replicas that are twins, and of those with amnesia among them. */
const SHARE = 0.15;
const AMNESIA_SHARE = 0.5;

/** How a Byzantine replica exists twice, or null when it does not. */
export function drawTwins(prng: Prng): TwinOptions | null {
  if (!prng.chance(SHARE)) return null;
  return {
    secondStartsAt: prng.chance(AMNESIA_SHARE) ? prng.range(0.2, 3) * SECOND : 0,
    shuffleEvery: prng.pick([100, 400, 1_500]) * MS,
  };
}

/** Which of the two a host is connected to. */
type Side = "first" | "second" | "both";

const SIDES: readonly Side[] = ["first", "second", "first", "second", "both"];

/** Both instances of one replica and the switch between them and the network. */
export class Twins {
  readonly first: Machine;
  readonly second: Machine;
  readonly #world: World;
  readonly #prng: Prng;
  readonly #sides = new Map<string, Side>();
  readonly #receivers = new Map<Side, Receiver>();

  constructor(world: World, id: number) {
    this.#world = world;
    this.#prng = world.prng.fork(`twins ${id}`);
    const liar = new Liar([]);
    this.first = new Machine(world, id, { liar, wire: this.#wireOf("first") });
    this.second = new Machine(world, id, { liar, wire: this.#wireOf("second"), life: " twin" });
  }

  /** Lets the second instance start and the connections change. */
  start({ secondStartsAt, shuffleEvery }: TwinOptions): void {
    const { scheduler } = this.#world;
    scheduler.after(secondStartsAt, () => {
      if (this.second.process === null) this.second.start();
    });
    const shuffle = (): void => {
      this.#sides.clear();
      scheduler.after(this.#prng.exponential(shuffleEvery), shuffle);
    };
    shuffle();
  }

  /** A host that has not been assigned yet is assigned when it first matters. */
  #sideOf(host: string): Side {
    const known = this.#sides.get(host);
    if (known !== undefined) return known;
    const side = this.#prng.pick(SIDES);
    this.#sides.set(host, side);
    return side;
  }

  #hears(side: Side, host: string): boolean {
    const assigned = this.#sideOf(host);
    return assigned === "both" || assigned === side;
  }

  #wireOf(side: Side): Wire {
    const { network } = this.#world;
    return {
      attach: (address, receiver) => {
        if (receiver === null) this.#receivers.delete(side);
        else this.#receivers.set(side, receiver);
        network.attach(address, this.#receivers.size === 0 ? null : this.#deliver);
      },
      send: (from: SocketAddress, to: SocketAddress, bytes: Uint8Array) => {
        if (this.#hears(side, to.address)) network.send(from, to, bytes);
      },
    };
  }

  readonly #deliver = (bytes: Uint8Array, from: SocketAddress): void => {
    for (const [side, receiver] of this.#receivers) {
      if (this.#hears(side, from.address)) receiver(bytes, from);
    }
  };
}
