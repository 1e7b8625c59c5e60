import type { Plant } from "./plant.js";

const LIMITS = "src/core/base/limits.js";
const FRAGMENTS = "src/core/wire/fragments.js";
const VIEW_TIMER = "src/core/pbft/view-timer.js";
const EFFECT_GATE = "src/io/effect-gate.js";
const ADDRESS_BOOK = "src/io/address-book.js";

/** Bugs in what must not take too long (I16) and in what must not grow (I11). */
export const KEEPING_PLANTS: readonly Plant[] = [
  {
    name: "the timer doubles without a cap",
    rule: "VT5",
    edits: [
      {
        file: VIEW_TIMER,
        find: "Math.min(viewChangeTicks * 2 ** doublings, viewChangeTicksMax)",
        replace: "viewChangeTicks * 2 ** doublings",
      },
    ],
  },
  {
    name: "a client's pauses double without a cap",
    rule: "CL2",
    edits: [
      {
        file: "src/core/client/client-session.js",
        find: "Math.min(start * 2 ** Math.min(tries - 1, 16), retryTicksMax)",
        replace: "start * 2 ** Math.min(tries - 1, 16)",
      },
    ],
  },
  {
    name: "the oldest request is not watched",
    rule: "VT1",
    edits: [
      {
        file: "src/core/pbft/ticks.js",
        find: "s.pool.oldest()?.sinceTicks ?? s.waitTicks",
        replace: "s.waitTicks",
      },
    ],
  },
  {
    name: "what waits for the journal has no bound",
    rule: "RB3",
    edits: [{ file: EFFECT_GATE, find: "this.#waiting.length >= this.#sizeMax", replace: "false" }],
    setting: [
      {
        file: EFFECT_GATE,
        find: "HELD_EFFECTS_MAX = 16_384",
        replace: "HELD_EFFECTS_MAX = 12",
      },
    ],
  },
  {
    name: "addresses of all sessions are kept",
    rule: "RB3",
    edits: [
      {
        file: ADDRESS_BOOK,
        find: "sessions.size === PLACES_PER_CLIENT_MAX",
        replace: "sessions.size < 0",
      },
    ],
    setting: [
      {
        file: LIMITS,
        find: "PLACES_PER_CLIENT_MAX = 2 * SESSIONS_PER_CLIENT_MAX",
        replace: "PLACES_PER_CLIENT_MAX = 2",
      },
    ],
  },
  {
    name: "messages that lack fragments have no bound",
    rule: "RT5",
    edits: [{ file: FRAGMENTS, find: "this.#makeRoom(held);", replace: "" }],
    setting: [
      {
        file: LIMITS,
        find: "REASSEMBLY_BYTES_PER_PEER_MAX = 2 * MESSAGE_BYTES_MAX",
        replace: "REASSEMBLY_BYTES_PER_PEER_MAX = 10_000",
      },
    ],
  },
  {
    name: "messages that lack fragments are kept for ever",
    rule: "RT5",
    edits: [
      {
        file: FRAGMENTS,
        find: "this.#now - body.startedAt <= this.#ageTicksMax",
        replace: "this.#now > 0",
      },
    ],
  },
];
