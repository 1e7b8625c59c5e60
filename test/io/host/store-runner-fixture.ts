import assert from "node:assert/strict";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ClientTable } from "../../../src/core/pbft/client-table.js";
import type { BlockRow, Store, NewState, StoredState, StoreGroup } from "../../../src/io/store.js";
import { HostedLedger } from "../../../src/io/hosted-service.js";
import { ServiceRest } from "../../../src/io/service-rest.js";
import { StoreRunner } from "../../../src/io/store-runner.js";
import { digestOf, hasher, requestOf, sampleBank } from "../../core/pbft/builders.js";
import { executeRequest } from "../../core/pbft/lone-replica.js";
import { Turns } from "./turns.js";

/** A database whose transactions end when the test says so. */
export class HeldStore implements Store {
  readonly name = "held";
  readonly calls: string[] = [];
  readonly groups: StoreGroup[] = [];
  hurried = false;
  #end: ((error: Error | null) => void) | null = null;

  open(): Promise<StoredState | null> {
    return Promise.resolve(null);
  }

  commit(group: StoreGroup): Promise<void> {
    this.groups.push(group);
    return this.#begin(`commit ${group.blocks.map(({ seq }) => seq).join(" ")}`);
  }

  replace(state: NewState): Promise<void> {
    return this.#begin(`replace ${state.seq}`);
  }

  hurry(): void {
    this.hurried = true;
  }

  close(): Promise<void> {
    this.calls.push("close");
    return Promise.resolve();
  }

  /** Ends the transaction that is under way. */
  async end(error: Error | null = null): Promise<void> {
    assert(this.#end !== null, "a transaction is under way");
    const end = this.#end;
    this.#end = null;
    end(error);
    await nextTurn();
  }

  #begin(call: string): Promise<void> {
    assert.equal(this.#end, null, "one transaction at a time");
    this.calls.push(call);
    return new Promise((resolve, reject) => {
      this.#end = (error) => {
        if (error === null) resolve();
        else reject(error);
      };
    });
  }
}

const CHECKPOINT_INTERVAL = 32;
export const LATE_SLOTS = 5;
export const HOUR_MS = 3_600_000;

export class Fixture {
  readonly store = new HeldStore();
  readonly ledger = new HostedLedger(sampleBank());
  readonly clients = new ClientTable(hasher, 2);
  readonly stored: number[] = [];
  readonly fatal: unknown[] = [];
  readonly turns = new Turns(0);
  /** Whether the root of a checkpoint is told at once; else `tellRoot` does it. */
  tellsRoots = true;
  readonly rest: ServiceRest;
  readonly runner: StoreRunner;
  #executedSeq = 0;

  constructor(intervalMs = 0, intervalMsMax = intervalMs, quietMs = HOUR_MS) {
    const { store, ledger, clients } = this;
    // In which everything fits, whatever else takes the processor.
    const { budget } = this.turns;
    this.rest = new ServiceRest(ledger, budget);
    this.runner = new StoreRunner(
      {
        store,
        service: ledger,
        rest: this.rest,
        budget,
        clients,
        intervalMsMin: intervalMs,
        intervalMsMax,
        quietMs,
        checkpointIntervalSlots: CHECKPOINT_INTERVAL,
        lateSlots: LATE_SLOTS,
        onStored: (seq) => this.stored.push(seq),
        onFatal: (error) => this.fatal.push(error),
      },
      0,
    );
  }

  /** Executes a deposit of its own session as batch `seq`, as a replica's host does. */
  execute(seq: number, after = 0): void {
    const results = executeRequest(this.ledger, requestOf({ session: seq }));
    const entry = { client: 0, session: seq, timestamp: 1, seq, code: 0, results } as const;
    if (seq % CHECKPOINT_INTERVAL === 0) this.ledger.pin(seq);
    this.runner.executed(blockOf(seq), after);
    this.clients.record(entry);
    if (seq % CHECKPOINT_INTERVAL === 0 && this.tellsRoots) this.tellRoot(seq);
  }

  /** Executes in one turn what comes up to batch `last`, of one that has executed so only. */
  async executeTo(last: number): Promise<void> {
    while (this.#executedSeq < last) this.execute((this.#executedSeq += 1));
    await nextTurn();
  }

  /** Tells the root of the state after `seq`, which was pinned. */
  tellRoot(seq: number): Uint8Array {
    const root = this.ledger.pinRoot(seq);
    assert(root !== null);
    this.runner.pinned(seq, root);
    return root;
  }

  /** The same as a change of the state, which a rest of the service holds up. */
  *executing(seq: number): Generator<void, void> {
    this.execute(seq);
  }
}

export function blockOf(seq: number): BlockRow {
  return { seq, view: 0, digest: digestOf(seq), requestCount: 1 };
}

export function stateAt(seq: number): Omit<NewState, "accounts"> {
  return { seq, serviceRoot: digestOf(0), sessions: [], evictedThrough: [] };
}
