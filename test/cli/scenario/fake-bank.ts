import type { ReplicaProgress, ReplicaTable } from "../../../src/cli/bench/measured-cluster.js";
import type { Fault } from "../../../src/cli/fault.js";
import type { LedgerClient, LedgerOutcome } from "../../../src/io/ledger-client.js";
import { FakeClock } from "../bench/fake-cluster.js";

type FakeClient = Pick<LedgerClient, "run" | "deposit" | "get" | "close">;

/** Four replicas of one account in memory; each deposit takes 1 ms of its clock. */
export class FakeBank {
  readonly replicaCount = 4;
  readonly clock = new FakeClock();
  /** What was done to replicas, as "crash 0", in order. */
  readonly faults: string[] = [];
  view = 0;
  held = 0n;
  depositCount = 0;
  clientCount = 0;
  /** Replaces what happens to the deposit of this number, 1 and up, to make things go wrong. */
  readonly mishaps = new Map<number, (amount: bigint) => LedgerOutcome>();
  #account = "";

  connect(): Promise<FakeClient> {
    this.clientCount += 1;
    return Promise.resolve({
      run: (operation) => {
        if (operation.kind === "open") this.#account = operation.account;
        return Promise.resolve(this.ok());
      },
      deposit: (_account, amount) => Promise.resolve(this.#deposit(amount)),
      get: () => Promise.resolve(this.ok()),
      close: () => {
        this.clientCount -= 1;
        return Promise.resolve();
      },
    });
  }

  inject(fault: Fault, replica: number): Promise<void> {
    this.faults.push(`${fault} ${replica}`);
    const isLead = replica === this.view % this.replicaCount;
    if (isLead && (fault === "crash" || fault === "cut-off")) this.view += 1;
    return Promise.resolve();
  }

  progress(): Promise<ReplicaProgress | null> {
    const { view } = this;
    const primary = view % this.replicaCount;
    const executed = this.depositCount;
    return Promise.resolve({
      ...{ state: "voting", view, primary, executed, databaseLag: 0, viewChanges: view },
    });
  }

  readTable(): Promise<ReplicaTable | null> {
    const account = { customerId: 6, account: this.#account, name: "", address: "", owner: null };
    const accounts = [{ ...account, balance: this.held }];
    return Promise.resolve({ seq: this.depositCount, accounts, root: null });
  }

  /** Executes a deposit. */
  add(amount: bigint): LedgerOutcome {
    this.held += amount;
    return this.ok();
  }

  ok(): LedgerOutcome {
    const { held: balance, view, depositCount: sequence } = this;
    return { ok: true, balance, path: "ordered", view, sequence, latencyMs: 1 };
  }

  #deposit(amount: bigint): LedgerOutcome {
    this.clock.micros += 1_000;
    this.depositCount += 1;
    const mishap = this.mishaps.get(this.depositCount);
    return mishap === undefined ? this.add(amount) : mishap(amount);
  }
}
