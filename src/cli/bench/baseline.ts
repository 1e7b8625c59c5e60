import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BundleReader, BundleWriter } from "../../core/base/bundle.js";
import { ClusterHasher } from "../../core/crypto/prefix.js";
import { Ledger } from "../../core/ledger/ledger.js";
import { encodeOperation } from "../../core/ledger/operation.js";
import type { LedgerOperation } from "../../core/ledger/operation.js";
import { partChanges } from "../../core/ledger/packed-accounts.js";
import { ResultReader } from "../../core/ledger/result-reader.js";
import type { Durability } from "../../io/config-schema.js";
import { SqliteDatabase } from "../../io/sqlite-database.js";
import type { AccountRow } from "../../io/store.js";
import { loadCrypto } from "../../workers/load-crypto.js";
import { distributionOf } from "./combine-passes.js";
import type { LoadClock } from "./load-clock.js";
import { runLoad } from "./load.js";
import type { MeasuredClient, MeasuredOutcome } from "./measured-client.js";
import type { BaselineReport } from "./row-report.js";
import { Workload } from "./workload.js";
import type { WorkloadKind } from "./workload.js";

/** Operations that warm it up, and those that are measured: it is only to be compared with. */
const WARM_UP_COUNT = 200;
const ITERATIONS_MAX = 2_000;

/** The same ledger on a database of its own: one process, one copy, nobody to agree with. */
class LoneLedger implements MeasuredClient {
  readonly #ledger: Ledger;
  readonly #database: SqliteDatabase;
  readonly #reader = new ResultReader();
  #seq = 0;

  constructor(ledger: Ledger, database: SqliteDatabase) {
    this.#ledger = ledger;
    this.#database = database;
    database.read();
    const serviceRoot = ledger.root();
    const accounts = [...ledger.packedAccounts()];
    database.replace({ seq: 0, serviceRoot, accounts, sessions: [], evictedThrough: [] });
  }

  /** Done when the operation's own transaction is; a read has none. */
  run(operation: LedgerOperation): Promise<MeasuredOutcome> {
    const request = new BundleWriter();
    request.append(encodeOperation(operation));
    const bundle = request.finish();
    const writer = new BundleWriter();
    if (operation.kind === "get") this.#ledger.query(0, new BundleReader(bundle), writer);
    else {
      this.#ledger.execute(0, new BundleReader(bundle), writer);
      this.#commit();
    }
    const results = new BundleReader(writer.finish());
    const result = results.next()
      ? this.#reader.read(results.bytes, results.start, results.end)
      : null;
    const outcome: MeasuredOutcome =
      result?.code === "ok"
        ? { ok: true, balance: result.balance, view: 0, sequence: this.#seq }
        : { ok: false, code: result?.code ?? "bad-operation" };
    return Promise.resolve(outcome);
  }

  #commit(): void {
    this.#seq += 1;
    const [seq, serviceRoot] = [this.#seq, this.#ledger.root()];
    this.#database.commit({
      seq,
      serviceRoot,
      blocks: [{ seq, view: 0, digest: serviceRoot, requestCount: 1 }],
      ...partChanges([...this.#ledger.takeChangedAccounts()]),
      ...{ sessions: [], sessionsEvicted: [], evictedThrough: [] },
    });
  }
}

/** What a baseline is measured with. */
interface BaselineOptions {
  readonly kind: WorkloadKind;
  readonly iterations: number;
  readonly seed: number;
  /** What both begin with. */
  readonly accounts: readonly AccountRow[];
  /** When a write counts as durable: as at the replicas. */
  readonly durability: Durability;
  readonly clock: LoadClock;
  readonly signal: AbortSignal;
}

/** A measured baseline, and its distribution in HdrHistogram's text format. */
export interface MeasuredBaseline {
  readonly report: BaselineReport;
  readonly percentileText: string;
}

/**
 * Measures the same operations, one after the other, on one unreplicated ledger in this process:
 * the same code over the same SQLite, one durable transaction a write. What is missing is the
 * network, the signatures and the agreement, which is what replication costs.
 */
export async function measureBaseline(options: BaselineOptions): Promise<MeasuredBaseline> {
  const { kind, seed, accounts, durability, clock, signal } = options;
  const iterations = Math.min(options.iterations, ITERATIONS_MAX);
  const folder = mkdtempSync(join(tmpdir(), "pbft-ledger-baseline-"));
  const database = new SqliteDatabase(join(folder, "ledger.db"), durability);
  try {
    const { provider } = await loadCrypto(process.env);
    const hasher = new ClusterHasher(provider, randomBytes(32));
    const ledger = new Ledger({ hasher, clients: ["teller"], accounts });
    const client = new LoneLedger(ledger, database);
    const balances = new Map(accounts.map((row) => [row.account, row.balance]));
    const workload = new Workload(seed, balances);
    const load = { inFlight: 1, ratePerSecond: null, timeoutMs: 0 };
    const quiet = { starting: () => Promise.resolve(), finished: () => undefined };
    const drive = (count: number) =>
      runLoad([client], workload.operations(kind, count), load, clock, signal, quiet);
    await drive(Math.min(WARM_UP_COUNT, iterations));
    const { all, durationMicros } = await drive(iterations);
    const report: BaselineReport = {
      kind,
      iterations,
      system: `one process, SQLite, durability ${durability}, no replication`,
      opsPerSecond: (all.count * 1_000_000) / Math.max(durationMicros, 1),
      ...distributionOf(all),
      percentileFile: `baseline-${kind}.hgrm`,
    };
    return { report, percentileText: all.percentileText() };
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
