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
  putSignature(bytes, signer(digestToSign(bytes, SIGNED_DOMAIN[message.kind], hasher)));
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
  const unsigned = encodeToSign(message, signer.hasher);
  putSignature(unsigned.bytes, signer.sign(unsigned.digest));
  return withAuthenticator(unsigned, signer.authenticate(unsigned.digest));
}

/** A request whose signature is to be put in its place, the end of `bytes`. */
export type RequestToSign = Omit<Request, "authenticator">;

/**
 * The first step of `signRequest`: what has to be signed is the digest.
 * @throws InvariantError when the bundle exceeds `BUNDLE_BYTES_MAX`.
 */
export function encodeToSign(message: Unsigned<Request>, hasher: Hasher): RequestToSign {
  const bytes = encodeUnsignedRequest(message);
  assert(bytes.length <= REQUEST_BYTES_MAX, "a bundle fits a request");
  const digest = digestToSign(bytes, Domain.request, hasher);
  const { kind, client, session, timestamp, bundle } = message;
  return { kind, client, session, timestamp, bundle, digest, bytes };
}

/** The last step of `signRequest`, once the signature is in its place. */
export function withAuthenticator(signed: RequestToSign, authenticator: Uint8Array): Request {
  const { kind, client, session, timestamp, bundle, digest, bytes } = signed;
  return { kind, client, session, timestamp, bundle, digest, bytes, authenticator };
}

/** Puts `signature` in its place, the last 64 bytes. */
export function putSignature(bytes: Uint8Array, signature: Uint8Array): void {
  assert(signature.length === SIGNATURE_BYTES, "a signature has 64 bytes");
  bytes.set(signature, signatureStart(bytes));
}

/** Where the signature of what is signed begins. */
export function signatureStart(bytes: Uint8Array): number {
  return bytes.length - SIGNATURE_BYTES;
}

/** The digest of all but the last 64 bytes. */
function digestToSign(bytes: Uint8Array, domain: Domain, hasher: Hasher): Digest {
  return hasher.digest(domain, bytes.subarray(0, signatureStart(bytes)));
}
