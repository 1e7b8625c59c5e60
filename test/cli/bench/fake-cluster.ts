import type { LoadClock } from "../../../src/cli/bench/load-clock.js";
import type { LedgerOperation } from "../../../src/core/ledger/operation.js";
import type { MeasuredOutcome } from "../../../src/cli/bench/measured-client.js";
import type {
  MeasuredCluster,
  MeasuredSession,
  ReplicaProgress,
  ReplicaTable,
} from "../../../src/cli/bench/measured-cluster.js";
import type { Fault } from "../../../src/cli/fault.js";
import type { AccountRow } from "../../../src/io/store.js";

/** A clock whose sleep is a jump. */
export class FakeClock implements LoadClock {
  micros = 0;

  nowMicros(): number {
    return this.micros;
  }

  sleepUntil(micros: number): Promise<void> {
    this.micros = Math.max(this.micros, micros);
    return Promise.resolve();
  }
}

/** A ledger in memory with as many tables as replicas; each operation takes 1 ms of its clock. */
export class FakeCluster implements MeasuredCluster {
  readonly replicaCount = 4;
  readonly clock = new FakeClock();
  readonly viewChanges = [0, 0, 0, 0];
  readonly tables: Map<string, AccountRow>[];
  readonly seqs = [0, 0, 0, 0];
  readonly roots: (string | null)[] = [null, null, null, null];
  /** The view that all replicas say they are in. */
  view = 0;
  /** What was done to replicas, as "cut-off 0", in order. */
  readonly faults: string[] = [];
  readonly cutOff = new Set<number>();
  openSessions = 0;
  #seq = 0;
  /** Runs before each operation, to make things go wrong. */
  onOperation: (operation: LedgerOperation) => MeasuredOutcome | null = () => null;

  constructor(accounts: readonly AccountRow[] = demoAccounts()) {
    const table = (): Map<string, AccountRow> => new Map(accounts.map((row) => [row.account, row]));
    this.tables = [table(), table(), table(), table()];
  }

  connect(): Promise<MeasuredSession> {
    this.openSessions += 1;
    return Promise.resolve({
      run: (operation) => Promise.resolve(this.#run(operation)),
      runAll: (operations) => Promise.resolve(operations.map((each) => this.#run(each))),
      close: () => {
        this.openSessions -= 1;
        return Promise.resolve();
      },
    });
  }

  inject(fault: Fault, replica: number): Promise<void> {
    this.faults.push(`${fault} ${replica}`);
    if (fault === "cut-off") this.cutOff.add(replica);
    else this.#heal(replica);
    return Promise.resolve();
  }

  progress(replica: number): Promise<ReplicaProgress | null> {
    if (this.cutOff.has(replica)) return Promise.resolve(null);
    return Promise.resolve({
      state: "voting",
      view: this.view,
      primary: this.view % this.replicaCount,
      executed: this.seqs[replica] ?? 0,
      databaseLag: 0,
      viewChanges: this.viewChanges[replica] ?? 0,
    });
  }

  readTable(replica: number): Promise<ReplicaTable | null> {
    const accounts = [...(this.tables[replica]?.values() ?? [])];
    const root = this.roots[replica] ?? null;
    return Promise.resolve({ seq: this.seqs[replica] ?? 0, accounts, root });
  }

  #run(operation: LedgerOperation): MeasuredOutcome {
    this.clock.micros += 1_000;
    const forced = this.onOperation(operation);
    if (forced !== null) return forced;
    if (operation.kind === "get") return this.#ok(operation.account);
    this.#seq += 1;
    for (const replica of this.#reachable()) this.seqs[replica] = this.#seq;
    if (operation.kind === "open") throw new Error("the benchmark opens no accounts");
    if (operation.kind === "move") {
      this.#add(operation.source, -operation.amount);
      this.#add(operation.target, operation.amount);
      return this.#ok(operation.source);
    }
    this.#add(
      operation.account,
      operation.kind === "deposit" ? operation.amount : -operation.amount,
    );
    return this.#ok(operation.account);
  }

  #ok(account: string): MeasuredOutcome {
    const [replica = 0] = this.#reachable();
    const balance = this.tables[replica]?.get(account)?.balance ?? 0n;
    return { ok: true, balance, view: this.view, sequence: this.#seq };
  }

  #reachable(): number[] {
    return [...this.seqs.keys()].filter((replica) => !this.cutOff.has(replica));
  }

  /** What it missed comes all at once. */
  #heal(replica: number): void {
    this.cutOff.delete(replica);
    const [donor = replica] = this.#reachable().filter((each) => each !== replica);
    this.seqs[replica] = this.#seq;
    this.tables[replica] = new Map(this.tables[donor]);
  }

  #add(account: string, amount: bigint): void {
    for (const replica of this.#reachable()) {
      const table = this.tables[replica];
      const row = table?.get(account);
      if (row !== undefined) table?.set(account, { ...row, balance: row.balance + amount });
    }
  }
}

/** The accounts of the demo cluster. */
function demoAccounts(): AccountRow[] {
  const account = (customerId: number, name: string, person: string, balance: bigint) => {
    return { customerId, account: name, name: person, address: "1 Main St", balance, owner: null };
  };
  return [
    account(3, "A", "Michael Chen", 100_00n),
    account(4, "B", "Wei Qin", 800_00n),
    account(5, "C", "Sanjay Ghemawat", 400_00n),
  ];
}
