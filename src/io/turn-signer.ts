import type { Digest } from "../core/base/hasher.js";
import type { Request, Unsigned } from "../core/message.js";
import {
  encodeToSign,
  putSignature,
  type RequestSigner,
  type RequestToSign,
  signatureStart,
  withAuthenticator,
} from "../core/wire/sign.js";
import {
  HELPED_TURN_COUNT,
  type SignatureHelper,
  UNHELPED_COUNT,
  WAKE_COUNT,
} from "../workers/helper-thread.js";
import type { SignatureBoard, Ticket } from "../workers/signature-board.js";
import type { EndOfTurn } from "./end-of-turn.js";

/** What signs requests, here or by way of a board. */
interface PostingSigner extends RequestSigner {
  /** Asks for the caller's signature of a digest on `board`. */
  postToSign(digest: Digest, board: SignatureBoard): Ticket;
}

/**
 * Signs at the end of a turn what many clients of one process write in it, in the order in which
 * they asked. A helper, if there is one, does signatures ahead from the newest back: what it did,
 * or did not, changes nothing but the time that it takes: while one process of many clients signs,
 * nobody else of a cluster on the same machine has anything to do.
 */
export class TurnSigner {
  readonly #helper: SignatureHelper | null;
  readonly #endOfTurn: EndOfTurn;
  /** Requests of this turn that are not signed yet. */
  #waitingCount = 0;

  constructor(endOfTurn: EndOfTurn, helper: SignatureHelper | null) {
    this.#endOfTurn = endOfTurn;
    this.#helper = helper;
  }

  /** Signs `message` with the keys of `signer`; `done` is called at the end of this turn. */
  sign(message: Unsigned<Request>, signer: PostingSigner, done: (request: Request) => void): void {
    const request = encodeToSign(message, signer.hasher);
    this.#waitingCount += 1;
    const ticket = this.#post(request.digest, signer);
    // An action for each: where one client's fails the others still get theirs.
    this.#endOfTurn.add(() => {
      this.#waitingCount -= 1;
      done(this.#signed(request, signer, ticket));
    });
  }

  #post(digest: Digest, signer: PostingSigner): Ticket | null {
    if (this.#waitingCount === HELPED_TURN_COUNT) this.#helper?.start();
    const board = this.#helper?.board ?? null;
    const postCount = this.#waitingCount - UNHELPED_COUNT;
    if (board === null || postCount <= 0) return null;
    const ticket = signer.postToSign(digest, board);
    if (postCount % WAKE_COUNT === 0) board.wake();
    return ticket;
  }

  /** With the helper's signature, if that is made. */
  #signed(request: RequestToSign, signer: PostingSigner, ticket: Ticket | null): Request {
    const { bytes, digest } = request;
    const board = this.#helper?.board ?? null;
    const isSigned =
      ticket !== null && board?.takeSignature(ticket, bytes, signatureStart(bytes)) === true;
    if (!isSigned) putSignature(bytes, signer.sign(digest));
    return withAuthenticator(request, signer.authenticate(digest));
  }
}
