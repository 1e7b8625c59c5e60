import { bundleOf } from "../../src/core/base/bundle.js";
import { SIGNATURE_BYTES } from "../../src/core/crypto/crypto.js";
import { encodeOperation } from "../../src/core/ledger/operation.js";
import { signRequest } from "../../src/core/wire/sign.js";
import { openClientPort } from "../../src/io/client-port.js";
import type { ClientKey, Genesis } from "../../src/io/config.js";
import { Destination, Egress } from "../../src/io/egress.js";
import { KeyRing } from "../../src/io/key-ring.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";

/** Forged requests a turn, and the time between turns. */
const FORGED_PER_TURN = 2;
const TURN_MS = 1;

/** Forged requests a second, to each replica. */
export const FORGED_PER_SECOND = (FORGED_PER_TURN * 1_000) / TURN_MS;

/**
 * A client with right MACs and wrong signatures: each of its requests looks as if it were worth a
 * verification (C1). Sends until the returned function is called.
 */
export async function startForger(genesis: Genesis, key: ClientKey): Promise<() => Promise<void>> {
  const id = genesis.clients.findIndex((client) => client.name === key.name);
  const { provider } = await loadCrypto(process.env);
  const keys = new KeyRing(provider, genesis, { role: "client", id }, key);
  const port = await openClientPort(genesis);
  const { datagrams, drops } = port;
  const egress = new Egress({ roster: keys.roster, sealer: keys, datagrams, drops });
  const replicas = genesis.replicas.map(
    (replica) =>
      new Destination(
        { role: "replica", id: replica.id },
        { address: replica.host, port: replica.port },
      ),
  );
  const bundle = bundleOf([encodeOperation({ kind: "get", account: "A" })]);
  const session = Date.now();
  let timestamp = 0;
  const timer = setInterval(() => {
    for (let count = 0; count < FORGED_PER_TURN; count += 1) {
      timestamp += 1;
      const message = { kind: "request", client: id, session, timestamp, bundle } as const;
      const forged = signRequest(message, {
        hasher: keys.hasher,
        sign: () => new Uint8Array(SIGNATURE_BYTES),
        authenticate: (digest) => keys.authenticate(digest),
      });
      egress.queue(forged, replicas);
    }
    egress.flush();
  }, TURN_MS);
  return async () => {
    clearInterval(timer);
    await port.close();
  };
}
