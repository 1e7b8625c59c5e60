import { BundleReader, BundleWriter } from "../../src/core/base/bundle.js";
import { ClusterHasher } from "../../src/core/crypto/prefix.js";
import { Ledger } from "../../src/core/ledger/ledger.js";
import { appendOperation, encodeOperation } from "../../src/core/ledger/operation.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import { Operations } from "../harness/load.js";
import { accountRow } from "../harness/private-cluster.js";
import type { MicroSuite } from "./measure.js";

const CLUSTER_ID = new Uint8Array(32).fill(1);
const BUNDLE_OPERATIONS = 2_000;
const SEED = 7;

/** What the ledger costs: by operation, and by state root. */
export async function ledgerSuites(): Promise<MicroSuite[]> {
  const { provider } = await loadCrypto(process.env);
  const hasher = new ClusterHasher(provider, CLUSTER_ID);
  return [10_000, 1_000_000].map((accountCount) => {
    const accounts = Array.from({ length: accountCount }, (_, index) => accountRow(index));
    const ledger = new Ledger({ hasher, clients: ["teller"], accounts });
    ledger.root();
    let seq = 0;
    const writes = new Operations("write", accountCount, SEED);
    const reads = bundleOf(new Operations("read", accountCount, SEED));
    const apply = (bundle: Uint8Array): void => {
      ledger.execute(0, new BundleReader(bundle), new BundleWriter());
    };
    const drawn = writes.take(BUNDLE_OPERATIONS);
    return {
      title: `ledger of ${accountCount} accounts`,
      cases: [
        { name: "encode an operation, alone", run: () => encodeOperation(drawn[0] ?? fail()) },
        {
          name: "encode an operation, in a bundle",
          count: BUNDLE_OPERATIONS,
          run: () => bundleOf(writes),
        },
        { name: "deposit or move", count: BUNDLE_OPERATIONS, run: applyNext(writes, apply) },
        {
          name: "get",
          count: BUNDLE_OPERATIONS,
          run: () => ledger.query(0, new BundleReader(reads), new BundleWriter()),
        },
        {
          name: "root after 2,000 changes, them included",
          run: () => {
            apply(bundleOf(writes));
            ledger.root();
          },
        },
        {
          name: "checkpoint after 2,000 changes, them included",
          run: () => {
            apply(bundleOf(writes));
            seq += 1;
            ledger.pin(seq);
          },
        },
        {
          name: "rows for the database after 2,000 changes, them included",
          run: () => {
            apply(bundleOf(writes));
            Array.from(ledger.takeChangedAccounts());
          },
        },
      ],
    };
  });
}

/** Applies bundles that were made before: encoding is not what is measured. */
function applyNext(operations: Operations, apply: (bundle: Uint8Array) => void): () => void {
  const bundles = Array.from({ length: 16 }, () => bundleOf(operations));
  let next = 0;
  return () => {
    apply(bundles[next % bundles.length] ?? fail());
    next += 1;
  };
}

function bundleOf(operations: Operations): Uint8Array {
  const bundle = new BundleWriter();
  for (const operation of operations.take(BUNDLE_OPERATIONS)) appendOperation(bundle, operation);
  return bundle.finish();
}

function fail(): never {
  throw new Error("there is one");
}
