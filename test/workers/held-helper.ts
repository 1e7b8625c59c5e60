import { PortableCrypto } from "../../binding-free-src/portable-crypto.js";
import type { SignatureHelper } from "../../src/workers/helper-thread.js";
import { boardMemory, SignatureBoard } from "../../src/workers/signature-board.js";

const portable = new PortableCrypto();

/** A helper that works when a test says so. */
export class HeldHelper implements SignatureHelper {
  readonly description = "and a test that helps it";
  board: SignatureBoard | null = null;
  starts = 0;
  /** Signatures that it verified or made. */
  count = 0;
  isClosed = false;
  readonly #publicKeys: readonly Uint8Array[];
  readonly #memory = boardMemory();
  readonly #there = new SignatureBoard(this.#memory);

  constructor(publicKeys: readonly Uint8Array[] = []) {
    this.#publicKeys = publicKeys;
  }

  start(): void {
    this.starts += 1;
  }

  /** The thread is there now. */
  appear(): void {
    this.board = new SignatureBoard(this.#memory);
  }

  /** How often it was woken. */
  get wakeUps(): number {
    return new Int32Array(this.#memory)[0] ?? 0;
  }

  workOff(): void {
    this.#there.workOff({
      verify: (digest, signature, key) => {
        this.count += 1;
        return portable.verify(digest, signature, this.#publicKeys[key] ?? new Uint8Array(32));
      },
      sign: (digest, seed) => {
        this.count += 1;
        return portable.sign(digest, seed);
      },
    });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
