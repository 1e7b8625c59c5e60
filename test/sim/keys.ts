import type { Principal } from "../../src/core/base/ids.js";
import { DIGEST_BYTES } from "../../src/core/base/hasher.js";
import { KEY_BYTES, type CryptoProvider } from "../../src/core/crypto/crypto.js";
import type { Genesis } from "../../src/io/config.js";
import { KeyRing } from "../../src/io/key-ring.js";
import { CheckRunner } from "../../src/workers/run-checks.js";
import { InlineVerifier } from "./inline-verifier.js";
import type { SimOptions } from "./options.js";
import type { Prng } from "./prng.js";
import { MS } from "./scheduler.js";
import { RememberedCrypto } from "./remembered-crypto.js";
import { StubCrypto } from "./stub-crypto.js";

/** The name of account number `index`. */
export function accountName(index: number): string {
  return `A${index}`;
}

/** The account of Byzantine client `id`: all that it may rightly touch. */
export function villainAccountName(id: number): string {
  return `V${id}`;
}

/** The accounts of a run, and what they hold at the start. */
export function accountsAtStart(options: SimOptions): Map<string, bigint> {
  const { clientCount, accountCount, balanceAtStart } = options.clients;
  const names = Array.from({ length: accountCount }, (_, index) => accountName(index));
  const villains = options.attackers.map((_, index) => villainAccountName(clientCount + index));
  return new Map([...names, ...villains].map((name) => [name, BigInt(balanceAtStart)]));
}

/** What only one participant knows. */
type Secrets = ConstructorParameters<typeof KeyRing>[3];

/** One participant's keys, and who checks what comes in with them. */
export interface Identity {
  readonly keys: KeyRing;
  readonly secrets: Secrets;
  readonly verifier: InlineVerifier;
}

/** The cluster's public file, and everybody's keys. */
export class Cast {
  readonly genesis: Genesis;
  readonly replicas: readonly Identity[];
  readonly clients: readonly Identity[];

  constructor(options: SimOptions, prng: Prng) {
    const provider = options.isRealCrypto ? new RememberedCrypto() : new StubCrypto();
    const { replicaCount } = options;
    const { clientCount } = options.clients;
    const replicaSecrets = Array.from({ length: replicaCount }, () => drawSecrets(prng));
    const villains = prng.fork("villains");
    const clientSecrets = [
      ...Array.from({ length: clientCount }, () => drawSecrets(prng)),
      ...options.attackers.map(() => drawSecrets(villains)),
    ];
    this.genesis = {
      clusterId: prng.bytes(DIGEST_BYTES),
      replicas: replicaSecrets.map((secrets, id) => {
        return { id, host: `r${id}`, port: 1, ...publicKeys(provider, secrets) };
      }),
      clients: clientSecrets.map((secrets, id) => {
        return { name: `c${id}`, role: "teller" as const, ...publicKeys(provider, secrets) };
      }),
      accounts: [...accountsAtStart(options)].map(([account, balance], index) => {
        const customerId = index + 1;
        return { customerId, account, name: "", address: "", balance, owner: null };
      }),
      settings: { ...options.protocol, tickMs: options.tick / MS },
    };
    const identityOf = (self: Principal, secrets: Secrets): Identity => {
      const keys = new KeyRing(provider, this.genesis, self, secrets);
      const verifier = new InlineVerifier(new CheckRunner(provider, keys.checkKeys));
      return { keys, secrets, verifier };
    };
    this.replicas = replicaSecrets.map((one, id) => identityOf({ role: "replica", id }, one));
    this.clients = clientSecrets.map((one, id) => identityOf({ role: "client", id }, one));
  }
}

function drawSecrets(prng: Prng): Secrets {
  return { signSeed: prng.bytes(KEY_BYTES), exchangeSecret: prng.bytes(KEY_BYTES) };
}

function publicKeys(provider: CryptoProvider, secrets: Secrets) {
  return {
    signKey: provider.signPublicKey(secrets.signSeed),
    exchangeKey: provider.exchangePublicKey(secrets.exchangeSecret),
  };
}
