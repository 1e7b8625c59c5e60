/*
 * Adversaries of the network: each looks at every datagram and lets it pass, late, or not at all.
 */
import { FrameKind, FrameOffset } from "../../src/core/wire/layout.js";
import type { SocketAddress } from "../../src/io/udp-socket.js";
import { kindsIn } from "./frame-kinds.js";
import type { Prng } from "./prng.js";
import { type Micros, MS, type Scheduler } from "./scheduler.js";

/** Decides about datagrams. */
export interface Adversary {
  /** How much later than without it a datagram comes; null: never. */
  delayOf(from: SocketAddress, to: SocketAddress, bytes: Uint8Array): Micros | null;
}

/** What an adversary works with. */
interface AdversarySurroundings {
  readonly prng: Prng;
  readonly scheduler: Scheduler;
}

/** Mean length of a burst in which a link loses everything, and of the time between two. */
const BURST_MEAN: Micros = 80 * MS;
const BURST_EVERY: Micros = 600 * MS;

/** Loses all that a link carries for a while, now and then (Gilbert's model). */
function burstLoss({ prng, scheduler }: AdversarySurroundings): Adversary {
  const links = new Map<string, { isBad: boolean; until: Micros }>();
  return {
    delayOf: (from, to) => {
      const key = `${from.address}>${to.address}`;
      const link = links.get(key) ?? { isBad: true, until: 0 };
      links.set(key, link);
      while (link.until <= scheduler.now) {
        link.isBad = !link.isBad;
        link.until += 1 + prng.exponential(link.isBad ? BURST_MEAN : BURST_EVERY);
      }
      return link.isBad ? null : 0;
    },
  };
}

/** Lets what was sent last come first: each stretch of time arrives in reverse. */
function newestFirst({ prng, scheduler }: AdversarySurroundings): Adversary {
  const stretch = prng.pick([5, 20, 100]) * MS;
  return {
    delayOf: () => 2 * (stretch - (scheduler.now % stretch)),
  };
}

/** Lets votes for the next view overtake the orders of the present one. */
function lateOrders({ prng }: AdversarySurroundings): Adversary {
  const delay = prng.pick([100, 400, 1_000]) * MS;
  const late = prng.pick([
    ["pre-prepare"],
    ["pre-prepare", "prepare", "commit"],
    ["new-view", "pre-prepare"],
  ]);
  return {
    delayOf: (_from, _to, bytes) => {
      const isLate = kindsIn(bytes).some((kind) => late.includes(kind));
      return isLate ? prng.range(0, delay) : 0;
    },
  };
}

/** Loses fragments: what needs many of them hardly ever arrives whole. */
function fragmentLoss({ prng }: AdversarySurroundings): Adversary {
  const share = prng.pick([0.1, 0.3, 0.6]);
  return {
    delayOf: (_from, _to, bytes) => {
      const isFragment = bytes[FrameOffset.kind] === FrameKind.fragment;
      return isFragment && prng.chance(share) ? null : 0;
    },
  };
}

/** Swallows every datagram above some size, as a path with a smaller MTU does. */
function narrowPath({ prng }: AdversarySurroundings): Adversary {
  const bytesMax = prng.pick([600, 1_000, 1_472]);
  return {
    delayOf: (_from, _to, bytes) => (bytes.length > bytesMax ? null : 0),
  };
}

const ADVERSARIES = {
  burstLoss,
  newestFirst,
  lateOrders,
  fragmentLoss,
  narrowPath,
} as const satisfies Readonly<Record<string, (surroundings: AdversarySurroundings) => Adversary>>;

/** Names an adversary of the network. */
export type AdversaryName = keyof typeof ADVERSARIES;

const NAMES = Object.keys(ADVERSARIES) as AdversaryName[];

/** Most that are at work at a time. */
const ADVERSARIES_MAX = 2;

/** Share of the runs with any. */
const SHARE = 0.3;

/** Who interferes with the network of one run. */
export function drawAdversaries(prng: Prng): AdversaryName[] {
  return prng.chance(SHARE) ? prng.sample(NAMES, prng.between(1, ADVERSARIES_MAX)) : [];
}

/** The adversary of that name. */
export function adversaryOf(name: AdversaryName, surroundings: AdversarySurroundings): Adversary {
  return ADVERSARIES[name](surroundings);
}
