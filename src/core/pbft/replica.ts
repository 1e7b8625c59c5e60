/*
 * One replica as a state machine: events in, effects out, nothing else. No clock, no I/O, no keys.
 *
 *   input    step(event)        may be called again only after takeEffects()
 *   output   takeEffects()      what the world is asked to do, in order
 *   getters  the rest           read-only views for the host's metrics and for tests
 *
 * A handler takes one message and changes the state; `settle` then draws every conclusion that the
 * new state allows, in one fixed order. So no handler calls another, and a conclusion is drawn in
 * one place whichever message completed it.
 */
import { assert, unreachable } from "../base/assert.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { Principal, ReplicaId, Seq, View } from "../base/ids.js";
import type { Service } from "../base/service.js";
import type { ClientMessage, ReplicaMessage, SignedMessage } from "../message.js";
import { orderWaiting } from "./batcher.js";
import {
  adoptCertificate,
  discardStable,
  onCheckpoint,
  onCheckpointSigned,
  onPinned,
  onStored,
  settleCheckpoints,
} from "./checkpoints.js";
import type { ClientTable } from "./client-table.js";
import {
  answerAskers,
  askForDecision,
  onBatchBody,
  onDecision,
  onDecisionQuery,
} from "./decisions.js";
import type { Effect } from "./effect.js";
import type { Event } from "./event.js";
import { executeNext, onExecuted } from "./execution.js";
import { heldBy, type Held } from "./held.js";
import { sendAwaitedCommits } from "./held-commits.js";
import { announceNewView, onNewView, onNewViewSigned, placeChosen } from "./new-views.js";
import { countOwnCommits, onCommit, onPrepare, onPrePrepare, settleSlot } from "./normal-case.js";
import type { ReplicaOptions } from "./options.js";
import { restoreState, type Recovered } from "./recovery.js";
import type { RejectCode } from "./reject.js";
import type { VoteBounds } from "./rejoin-estimate.js";
import { onRejoinAnswer, onTrusted, settleRejoin } from "./rejoin.js";
import { onRejoin } from "./rejoin-help.js";
import { answerHeldReads, onRead } from "./reads.js";
import { onHello, onRequest } from "./requests.js";
import { onInstalled, onStateData, onStateFetch, settleTransfer } from "./state-donor.js";
import { State, type ViewChangeReason } from "./state.js";
import { onStatus } from "./statuses.js";
import { onTicked } from "./ticks.js";
import { onViewChange, onViewChangeSigned, settleViewChange } from "./view-changes.js";

/** The consensus of one replica (see the head of this file). */
export class Replica {
  readonly #state: State;

  /**
   * @param service the state machine, holding the state after `recovered.storedSeq`, or genesis.
   * @param recovered what a restarted replica found in its journal and store; null for a new one.
   */
  constructor(
    options: ReplicaOptions,
    hasher: Hasher,
    service: Service,
    recovered: Recovered | null = null,
  ) {
    this.#state = new State(options, hasher, service);
    if (recovered !== null) restoreState(this.#state, recovered);
  }

  /**
   * Takes one event; returns why it was dropped, or null if it was not.
   * @param hasMore whether another event follows in this turn: requests that came together are then
   * ordered together, after the last one.
   */
  step(event: Event, hasMore = false): RejectCode | null {
    this.#state.stepCount += 1;
    const reject = this.#handle(event);
    // All that may follow from one of several requests is an order for them.
    if (!hasMore || !isRequest(event)) settle(this.#state, hasMore);
    return reject;
  }

  /** What the world must do because of the last `step`, in order. */
  takeEffects(): readonly Effect[] {
    return this.#state.takeEffects();
  }

  /** The present view. */
  get view(): View {
    return this.#state.view;
  }

  /** False while a view change is under way. */
  get active(): boolean {
    return this.#state.active;
  }

  /** The primary of the present view. */
  get primary(): ReplicaId {
    return this.#state.primary;
  }

  /** The last batch executed. */
  get executedSeq(): Seq {
    return this.#state.executedSeq;
  }

  /** The last stable checkpoint, which is the low watermark. */
  get stableSeq(): Seq {
    return this.#state.log.lowWatermark;
  }

  /** The digest of the last stable checkpoint. */
  get stableDigest(): Digest {
    return this.#state.checkpoints.stable.stateDigest;
  }

  /** Requests known and not yet executed. */
  get pendingCount(): number {
    return this.#state.pool.size;
  }

  /** Slots of the log in use (I11). */
  get slotCount(): number {
    return this.#state.log.size;
  }

  /** How much is kept of what others send (I11); walks the log. */
  get held(): Held {
    return heldBy(this.#state);
  }

  /** The first checkpoint that no quorum can agree on any more, or null. */
  get splitSeq(): Seq | null {
    return this.#state.checkpoints.splitSeq;
  }

  /** Whether this replica's state differs from what a quorum agreed on (CK4). */
  get diverged(): boolean {
    return this.#state.diverged;
  }

  /** Whether state is being fetched from others. */
  get transferring(): boolean {
    return this.#state.transfer.target !== null;
  }

  /**
   * Whether this replica forgot its votes and gives none yet; its bounds are null until enough
   * others have answered (RS4).
   */
  get rejoin(): { readonly bounds: VoteBounds | null; readonly answerCount: number } | null {
    const { rejoin } = this.#state;
    if (rejoin === null) return null;
    return { bounds: rejoin.bounds, answerCount: rejoin.estimate.answerCount };
  }

  /** How many replicas are known to have forgotten their votes and to give none yet, self too. */
  get rejoiningCount(): number {
    const { guests, now, rejoin } = this.#state;
    return guests.present(now).length + (rejoin === null ? 0 : 1);
  }

  /** How often this replica left a view, by reason, since it started. */
  get viewChangeCounts(): ReadonlyMap<ViewChangeReason, number> {
    return this.#state.viewChangeCounts;
  }

  /** The client table, for the store; the host only reads and takes its changes. */
  get clients(): ClientTable {
    return this.#state.clients;
  }

  #handle(event: Event): RejectCode | null {
    const s = this.#state;
    switch (event.kind) {
      case "received":
        return receive(s, event.from, event.message);
      case "ticked":
        onTicked(s);
        return null;
      case "appended":
        assert(event.id >= s.durableAppend, "appends become durable in order");
        s.durableAppend = event.id;
        return null;
      case "executed":
        onExecuted(s, event.seq, event.results);
        return null;
      case "pinned":
        onPinned(s, event.seq, event.serviceRoot);
        return null;
      case "stored":
        onStored(s, event.seq);
        return null;
      case "installed":
        onInstalled(s, event.seq);
        return null;
      case "signed":
        onSigned(s, event.message);
        return null;
      case "trusted":
        onTrusted(s);
        return null;
      default:
        return unreachable(event);
    }
  }
}

function isRequest(event: Event): boolean {
  return event.kind === "received" && event.message.kind === "request";
}

function onSigned(s: State, message: SignedMessage): void {
  switch (message.kind) {
    case "checkpoint":
      onCheckpointSigned(s, message);
      break;
    case "view-change":
      onViewChangeSigned(s, message);
      break;
    case "new-view":
      onNewViewSigned(s, message);
      break;
    default:
      unreachable(message);
  }
}

function receive(
  s: State,
  from: Principal,
  message: ReplicaMessage | ClientMessage,
): RejectCode | null {
  if (message.kind === "request") return onRequest(s, from, message);
  if (from.role === "client") return receiveFromClient(s, from.id, message);
  if (from.id === s.self) return "message/unexpected";
  return receiveFromReplica(s, from.id, message);
}

function receiveFromClient(
  s: State,
  client: number,
  message: ReplicaMessage | ClientMessage,
): RejectCode | null {
  if (message.kind === "hello") return onHello(s, client, message);
  if (message.kind === "read") return onRead(s, message);
  return "message/unexpected";
}

function receiveFromReplica(
  s: State,
  from: ReplicaId,
  message: ReplicaMessage | ClientMessage,
): RejectCode | null {
  switch (message.kind) {
    case "pre-prepare":
      return onPrePrepare(s, from, message);
    case "prepare":
      return onPrepare(s, from, message);
    case "commit":
      return onCommit(s, from, message);
    case "checkpoint":
      return onCheckpoint(s, message);
    case "view-change":
      return onViewChange(s, message);
    case "new-view":
      return onNewView(s, message);
    case "status":
      return onStatus(s, from, message);
    case "batch-body":
      return onBatchBody(s, message);
    case "decision-query":
      return onDecisionQuery(s, from, message);
    case "decision":
      return onDecision(s, from, message);
    case "state-fetch":
      return onStateFetch(s, from, message);
    case "state-data":
      return onStateData(s, message);
    case "rejoin":
      return onRejoin(s, from, message);
    case "rejoin-answer":
      return onRejoinAnswer(s, from, message);
    case "request":
    case "hello":
    case "read":
    case "inspect":
      return "message/unexpected";
    default:
      return unreachable(message);
  }
}

function settleTouched(s: State): void {
  for (const slot of s.touched) {
    settleSlot(s, slot);
    askForDecision(s, slot);
    answerAskers(s, slot);
  }
  s.touched.clear();
}

/** Draws every conclusion that the state allows. Later ones build on earlier ones. */
function settle(s: State, hasMore: boolean): void {
  countOwnCommits(s);
  settleCheckpoints(s);
  settleTransfer(s);
  adoptCertificate(s);
  settleViewChange(s);
  announceNewView(s);
  placeChosen(s);
  if (!hasMore) orderWaiting(s);
  // V8 makes a new table for each set that is cleared, even an empty one.
  if (s.touched.size > 0) settleTouched(s);
  sendAwaitedCommits(s);
  answerHeldReads(s);
  executeNext(s);
  discardStable(s);
  settleRejoin(s);
}
