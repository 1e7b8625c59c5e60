import { assert } from "../base/assert.js";
import { type Digest, Domain, type Hasher } from "../base/hasher.js";
import { REQUEST_BYTES_MAX } from "../base/limits.js";
import { SIGNATURE_BYTES } from "../crypto/crypto.js";
import type { Request, SignedMessage, Unsigned } from "../message.js";
import { encodeUnsignedRequest } from "./request-codec.js";
import { encodeUnsigned } from "./view-change-codec.js";

/** Makes the 64-byte Ed25519 signature of a digest with the caller's key. */
type Signer = (digest: Digest) => Uint8Array;

const SIGNED_DOMAIN: Readonly<Record<SignedMessage["kind"], Domain>> = {
  checkpoint: Domain.checkpoint,
  "view-change": Domain.viewChange,
  "new-view": Domain.newView,
};

/** Encodes and signs a replica's message: the result has its `bytes`, signature included. */
export function signMessage(
  message: Unsigned<SignedMessage>,
  hasher: Hasher,
  signer: Signer,
): SignedMessage {
  const bytes = encodeUnsigned(message);
  signInto(bytes, SIGNED_DOMAIN[message.kind], hasher, signer);
  return { ...message, bytes };
}

/** What signs requests: the caller's key, and those that it shares with the replicas. */
export interface RequestSigner {
  readonly hasher: Hasher;
  sign(digest: Digest): Uint8Array;
  /** A MAC of the digest for each replica, one after another (TOCS'02, authenticator). */
  authenticate(digest: Digest): Uint8Array;
}

/**
 * Encodes, signs and authenticates a client's request: the result has what `message` lacks.
 * @throws InvariantError when the bundle exceeds `BUNDLE_BYTES_MAX`.
 */
export function signRequest(message: Unsigned<Request>, signer: RequestSigner): Request {
  const bytes = encodeUnsignedRequest(message);
  assert(bytes.length <= REQUEST_BYTES_MAX, "a bundle fits a request");
  const digest = signInto(bytes, Domain.request, signer.hasher, (signed) => signer.sign(signed));
  const authenticator = signer.authenticate(digest);
  const { kind, client, session, timestamp, bundle } = message;
  return { kind, client, session, timestamp, bundle, digest, bytes, authenticator };
}

/** Signs all but the last 64 bytes and puts the signature there; returns the digest it signs. */
function signInto(bytes: Uint8Array, domain: Domain, hasher: Hasher, signer: Signer): Digest {
  const signatureStart = bytes.length - SIGNATURE_BYTES;
  const digest = hasher.digest(domain, bytes.subarray(0, signatureStart));
  const signature = signer(digest);
  assert(signature.length === SIGNATURE_BYTES, "a signature has 64 bytes");
  bytes.set(signature, signatureStart);
  return digest;
}
