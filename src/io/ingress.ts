import type { Principal, Ticks } from "../core/base/ids.js";
import type { Verdict, Verifier } from "../core/crypto/check.js";
import type { Message, Verified } from "../core/message.js";
import { CheckList } from "../core/wire/check-list.js";
import { decodeMessage } from "../core/wire/decode.js";
import { doubtsOf, settleDoubts } from "../core/wire/doubts.js";
import {
  type Fragment,
  type HeldFragments,
  readFragment,
  Reassembler,
} from "../core/wire/fragments.js";
import { endOfFrame, readHeader } from "../core/wire/header.js";
import { FrameKind, HEADER_BYTES } from "../core/wire/layout.js";
import type { WireReject } from "../core/wire/reject.js";
import { principalNumber, type Roster } from "../core/wire/roster.js";
import type { Scope } from "../core/wire/scope.js";
import { planBody, type PlannedMessage } from "../core/wire/signed-ranges.js";
import { SignatureBudget } from "./signature-budget.js";
import type { Tally } from "./tally.js";
import type { SocketAddress } from "./udp-socket.js";

/** What an ingress works with. */
interface IngressOptions {
  readonly roster: Roster;
  /** Knows the public keys by `principalNumber` and the MAC keys by `macKeyOf`. */
  readonly verifier: Verifier;
  /** Number of the MAC key for frames of `from` in key epoch `epoch`, or null if there is none. */
  readonly macKeyOf: (from: Principal, epoch: number) => number | null;
  /** Ticks after which a message that still lacks fragments is given up; 1 and up. */
  readonly reassemblyTicksMax: Ticks;
  /** Where every drop is counted, by its code. */
  readonly drops: Tally;
  /** Takes each authentic, well-formed message, with the address that its frame came from. */
  readonly onMessage: (from: Principal, message: Verified<Message>, address: SocketAddress) => void;
}

/** Counted with the drops, though what is dropped is only a MAC: the signature decides instead. */
const DOUBTED = "request/bad-authenticator";

type IngressReject =
  | WireReject
  | typeof DOUBTED
  | "ingress/overloaded"
  | "ingress/client-silenced"
  | "fragment/given-up";

/** A body on its way through the verifier. */
interface Arrival {
  readonly bytes: Uint8Array;
  /** `principalNumber` of the sender, if the MAC is its own. */
  readonly source: number;
  readonly scope: Scope;
  readonly address: SocketAddress;
}

/**
 * From a datagram to verified messages. Nothing is learnt from bytes that were not authenticated,
 * and nothing is decoded before its frame's MAC passed; a frame or message that fails is counted
 * and dropped. Messages of one sender come out in the order in which the verifier finishes them;
 * no sender takes the room of another (RB1), and nothing relies on an order between senders.
 *
 * A datagram's bytes must not change after they were handed in: messages keep views of them.
 */
export class Ingress {
  readonly #options: IngressOptions;
  readonly #reassembler: Reassembler;
  readonly #budget = new SignatureBudget();

  constructor(options: IngressOptions) {
    this.#options = options;
    this.#reassembler = new Reassembler(options.reassemblyTicksMax);
  }

  /**
   * Takes one datagram, frame by frame. What follows a frame that is known to be forged is not
   * looked at. Where that is not known at once, a datagram costs no more than its frames would in
   * datagrams of their own.
   */
  receive(datagram: Uint8Array, address: SocketAddress): void {
    let start = 0;
    do {
      const end = endOfFrame(datagram, start);
      const isAlone = start === 0 && end === datagram.length;
      const frame = isAlone ? datagram : datagram.subarray(start, end);
      if (!this.#receiveFrame(frame, isAlone, address)) break;
      start = end;
    } while (start < datagram.length);
  }

  /** Takes one frame; returns whether what comes behind it may be worth a look. */
  #receiveFrame(bytes: Uint8Array, isAlone: boolean, address: SocketAddress): boolean {
    const { roster, verifier, macKeyOf } = this.#options;
    const header = readHeader(bytes, roster);
    if (typeof header === "string") return this.#drop(header);
    const { from, kind } = header;
    const key = macKeyOf(from, header.epoch);
    if (key === null) return this.#drop("frame/unknown-key");
    if (kind === FrameKind.fragment && !isAlone) return this.#drop("fragment/not-alone");
    if (from.role === "client" && !this.#budget.allows(from.id)) {
      this.#drop("ingress/client-silenced");
      return true;
    }
    const source = principalNumber(roster, from);
    if (!verifier.canAccept(source)) {
      this.#drop("ingress/overloaded");
      return true;
    }
    const list = new CheckList();
    list.mac(key, bytes.length);
    const arrival = { bytes, source, scope: { roster, from }, address };
    if (kind === FrameKind.packed) return this.#verifyPacked(arrival, list);
    return this.#verifyFragment(arrival, list);
  }

  /** What is held of messages that are not whole yet (I11). */
  get fragments(): HeldFragments {
    return this.#reassembler.held;
  }

  /** One tick passed: fragments whose others never came are given up. */
  tick(): void {
    this.#budget.tick();
    for (let count = this.#reassembler.tick(); count > 0; count -= 1) {
      this.#drop("fragment/given-up");
    }
  }

  /**
   * The MAC and what proves a frame's messages are one job. Returns false if the MAC is known to be
   * wrong already, which it is for whatever is quicker to check here than elsewhere.
   */
  #verifyPacked(arrival: Arrival, list: CheckList): boolean {
    const { bytes, source, scope } = arrival;
    const messages = planBody(bytes, HEADER_BYTES, bytes.length, scope, list);
    let isForged = false;
    this.#options.verifier.submit(source, bytes, list.checks, (verdict) => {
      if (verdict.passed[0] === 1) return this.#judge(arrival, messages, list, verdict);
      isForged = true;
      this.#drop("frame/bad-mac");
    });
    return !isForged;
  }

  #verifyFragment(arrival: Arrival, list: CheckList): boolean {
    const { bytes, source, scope } = arrival;
    const fragment = readFragment(bytes, scope.from);
    if (typeof fragment === "string") return this.#drop(fragment);
    this.#options.verifier.submit(source, bytes, list.checks, (verdict) => {
      if (verdict.passed[0] === 1) this.#reassemble(arrival, fragment);
      else this.#drop("frame/bad-mac");
    });
    return false;
  }

  /**
   * The signatures of a reassembled body are a second job, of which every admitted datagram can
   * cause one at most: so the verifier's back-pressure at the door bounds these too.
   */
  #reassemble({ source, scope, address }: Arrival, fragment: Fragment): void {
    const body = this.#reassembler.accept(scope.from, fragment);
    if (body === null) return;
    if (typeof body === "string") {
      this.#drop(body);
      return;
    }
    const list = new CheckList();
    const messages = planBody(body, 0, body.length, scope, list);
    if (messages.length !== 1) {
      this.#drop("fragment/several-messages");
      return;
    }
    this.#options.verifier.submit(source, body, list.checks, (verdict) => {
      this.#judge({ bytes: body, source, scope, address }, messages, list, verdict);
    });
  }

  /**
   * Where MACs of authenticators are wrong, the signatures decide. That is one more job at most for
   * a datagram, of what its requests would have cost without authenticators.
   */
  #judge(
    arrival: Arrival,
    messages: readonly PlannedMessage[],
    list: CheckList,
    verdict: Verdict,
  ): void {
    const doubts = doubtsOf(list, verdict);
    if (doubts === null) {
      this.#deliver(arrival, messages, verdict);
      return;
    }
    for (let count = doubts.failed.length; count > 0; count -= 1) this.#drop(DOUBTED);
    this.#options.verifier.submit(arrival.source, arrival.bytes, doubts.list.checks, (second) => {
      settleDoubts(doubts, verdict, second);
      this.#deliver(arrival, messages, verdict);
    });
  }

  #deliver(arrival: Arrival, messages: readonly PlannedMessage[], verdict: Verdict): void {
    const { bytes, scope, address } = arrival;
    for (const planned of messages) {
      const message = decodeMessage(bytes, planned, verdict, scope);
      if (typeof message === "string") this.#refuse(scope.from, message);
      else this.#options.onMessage(scope.from, message, address);
    }
  }

  /** A client whose frame is authentic and whose signature is wrong has to wait (AU3). */
  #refuse(from: Principal, code: WireReject): void {
    if (from.role === "client" && code === "request/bad-signature") this.#budget.wasted(from.id);
    this.#drop(code);
  }

  /** Counts a drop; false, for whoever has nothing else to return. */
  #drop(code: IngressReject): false {
    this.#options.drops.add(code);
    return false;
  }
}
