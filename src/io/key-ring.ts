import { assert } from "../core/base/assert.js";
import { type Digest, Domain } from "../core/base/hasher.js";
import type { Principal } from "../core/base/ids.js";
import type { CryptoProvider } from "../core/crypto/crypto.js";
import { MAC_BYTES, PREFIX_BYTES } from "../core/crypto/crypto.js";
import { deriveMacKey } from "../core/crypto/mac-keys.js";
import { authenticatorOf, ClusterHasher, macPrefix } from "../core/crypto/prefix.js";
import { principalNumber, type Roster } from "../core/wire/roster.js";
import type { RequestSigner } from "../core/wire/sign.js";
import type { CheckKeys } from "../workers/run-checks.js";
import type { SignatureBoard, Ticket } from "../workers/signature-board.js";
import type { Genesis } from "./config.js";
import type { FrameSealer } from "./egress.js";

/** The secrets of one identity, 32 bytes each. */
interface Secrets {
  readonly signSeed: Uint8Array;
  readonly exchangeSecret: Uint8Array;
}

/**
 * The only key epoch so far; it is part of every MAC key, so that refreshing needs no new format.
 */
const KEY_EPOCH = 0;

/** In the place of a key that this identity does not share. */
const NO_PREFIX = new Uint8Array(PREFIX_BYTES);

/** The first four bytes of a cluster id as a number: what a frame is recognised by. */
const CLUSTER_TAG_BYTES = 4;

/** All keys that one process uses: its own secrets, and what it shares with those it talks to. */
export class KeyRing implements FrameSealer, RequestSigner {
  readonly roster: Roster;
  readonly hasher: ClusterHasher;
  /** For the verifier: MAC keys of what comes in and public keys, both by `principalNumber`. */
  readonly checkKeys: CheckKeys;
  readonly provider: CryptoProvider;
  readonly #signSeed: Uint8Array;
  /** Prefix blocks of what goes out, by `principalNumber`. */
  readonly #sealPrefixes: readonly Uint8Array[];
  /** A client's prefix blocks for authenticators, by replica. */
  readonly #authenticatorPrefixes: readonly Uint8Array[];

  /**
   * Derives the pairwise keys of `self`. Clients do not talk to each other and share no keys.
   * @throws Error when a public key in the genesis is of small order.
   */
  constructor(provider: CryptoProvider, genesis: Genesis, self: Principal, secrets: Secrets) {
    this.provider = provider;
    this.#signSeed = secrets.signSeed;
    this.hasher = new ClusterHasher(provider, genesis.clusterId);
    this.roster = rosterOf(genesis, self);
    const identities = [...genesis.replicas, ...genesis.clients];
    const open: Uint8Array[] = [];
    const seal: Uint8Array[] = [];
    const authenticate: Uint8Array[] = [];
    for (const [number, identity] of identities.entries()) {
      const peer = principalOf(this.roster, number);
      if (!talks(self, peer)) {
        for (const prefixes of [open, seal, authenticate]) prefixes.push(NO_PREFIX);
        continue;
      }
      const shared = provider.exchange(secrets.exchangeSecret, identity.exchangeKey);
      const keyOf = (from: Principal, to: Principal): Uint8Array =>
        deriveMacKey(this.hasher, shared, KEY_EPOCH, from, to);
      const [toSelf, fromSelf] = [keyOf(peer, self), keyOf(self, peer)];
      open.push(macPrefix(genesis.clusterId, toSelf));
      seal.push(macPrefix(genesis.clusterId, fromSelf));
      const fromClient = self.role === "client" ? fromSelf : toSelf;
      authenticate.push(macPrefix(genesis.clusterId, fromClient, Domain.authenticator));
    }
    this.#sealPrefixes = seal;
    const replicaCount = genesis.replicas.length;
    this.#authenticatorPrefixes = authenticate.slice(0, replicaCount);
    const macPrefixes = [...open, ...authenticate.slice(replicaCount)];
    const publicKeys = identities.map((identity) => identity.signKey);
    this.checkKeys = { clusterId: genesis.clusterId, macPrefixes, publicKeys };
  }

  /** Number of the key that proves frames of `from`; null for whom there is none. */
  macKeyOf(from: Principal, epoch: number): number | null {
    if (epoch !== KEY_EPOCH || !talks(this.roster.self, from)) return null;
    return principalNumber(this.roster, from);
  }

  epochOf(): number {
    return KEY_EPOCH;
  }

  seal(frame: Uint8Array, to: Principal): void {
    const prefix = this.#sealPrefixes[principalNumber(this.roster, to)];
    assert(
      prefix !== undefined && talks(this.roster.self, to),
      "frames go to those we share keys with",
    );
    this.provider.hashInto(frame, 0, MAC_BYTES, prefix, frame, MAC_BYTES, frame.length);
  }

  /** MACs of this client for each replica, 16 bytes each. @throws InvariantError for a replica. */
  authenticate(digest: Digest): Uint8Array {
    assert(this.roster.self.role === "client", "only clients' requests have authenticators");
    return authenticatorOf(this.provider, this.#authenticatorPrefixes, digest);
  }

  /** This identity's signature of a digest. */
  sign(digest: Digest): Uint8Array {
    return this.provider.sign(digest, this.#signSeed);
  }

  /** Asks for this identity's signature of a digest on `board`, whose memory gets the secret. */
  postToSign(digest: Digest, board: SignatureBoard): Ticket {
    return board.postToSign(digest, this.#signSeed);
  }
}

function rosterOf(genesis: Genesis, self: Principal): Roster {
  const tag = genesis.clusterId.subarray(0, CLUSTER_TAG_BYTES);
  const clusterTag = tag.reduce((number, byte) => number * 256 + byte, 0);
  const replicaCount = genesis.replicas.length;
  return { self, clusterTag, replicaCount, clientCount: genesis.clients.length };
}

function principalOf(roster: Roster, number: number): Principal {
  const { replicaCount } = roster;
  if (number < replicaCount) return { role: "replica", id: number };
  return { role: "client", id: number - replicaCount };
}

function talks(self: Principal, peer: Principal): boolean {
  if (self.role === "client" && peer.role === "client") return false;
  return self.role !== peer.role || self.id !== peer.id;
}
