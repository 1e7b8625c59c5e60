import { Worker } from "node:worker_threads";
import { bytesConcat } from "../core/base/bytes.js";
import type { CryptoName } from "../core/crypto/crypto.js";
import { boardMemory, SignatureBoard } from "./signature-board.js";
import type { SignatureWorkerData } from "./signature-worker.js";

/**
 * Signatures of a turn from which on a helper pays: it is started when so many first came. Its
 * start takes 2 ms of the main thread, and it some 20 MB.
 */
export const HELPED_TURN_COUNT = 16;

/** Signatures of a turn that the main thread does itself although there is a helper. */
export const UNHELPED_COUNT = 2;

/**
 * Signatures that are posted one after the other before the helper is woken: to wake it costs both
 * some 10 µs, and where there are few it comes too late. It only does again then what is done here.
 */
export const WAKE_COUNT = 8;

/** A thread that does what is posted on a board, so that others need not. */
export interface SignatureHelper {
  /** How it is, to follow "on the main thread". */
  readonly description: string;

  /** Where to post; null while nobody looks there. */
  readonly board: SignatureBoard | null;

  /** Starts the thread, the first time, and does not wait for it. */
  start(): void;

  /** Stops the thread, if there is one. */
  close(): Promise<void>;
}

/** What a `HelperThread` is made of. */
interface HelperThreadOptions {
  readonly cryptoName: CryptoName;
  /** Of those whose signatures it verifies: by number, 32 bytes each; must not change. */
  readonly publicKeys: readonly Uint8Array[];
  /** The module of the thread. */
  readonly workerUrl: URL;
  /**
   * Called once when the thread fails in its work: a bug. That it cannot start is none, it is a
   * lack of memory or of threads, without which everything goes on as if nobody had asked.
   */
  readonly onCrash: (cause: unknown) => void;
}

/** The `SignatureHelper` that is a thread. It does not keep the process alive. */
export class HelperThread implements SignatureHelper {
  readonly #options: HelperThreadOptions;
  #worker: Worker | null = null;
  #board: SignatureBoard | null = null;
  #description = "and, once much comes together, on another one";
  #isStarted = false;
  #isClosed = false;

  constructor(options: HelperThreadOptions) {
    this.#options = options;
  }

  get description(): string {
    return this.#description;
  }

  get board(): SignatureBoard | null {
    return this.#board;
  }

  start(): void {
    if (this.#isStarted || this.#isClosed) return;
    this.#isStarted = true;
    try {
      this.#worker = this.#startWorker();
    } catch (cause) {
      // The system gives no more threads.
      this.#fail(cause);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
    this.#leaveBoard();
  }

  #leaveBoard(): void {
    this.#board?.wipe();
    this.#board = null;
  }

  #startWorker(): Worker {
    const { cryptoName, publicKeys, workerUrl } = this.#options;
    const memory = boardMemory();
    const keys = bytesConcat(publicKeys);
    const workerData: SignatureWorkerData = { cryptoName, publicKeys: keys, memory };
    const worker = new Worker(workerUrl, { workerData });
    worker.once("message", () => {
      if (this.#isClosed) return;
      this.#board = new SignatureBoard(memory);
      this.#description = "and a thread that helps it";
    });
    worker.on("error", (cause) => {
      this.#fail(cause);
    });
    worker.unref();
    return worker;
  }

  #fail(cause: unknown): void {
    if (this.#isClosed) return;
    const hasWorked = this.#board !== null;
    this.#leaveBoard();
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#description = `alone, for the thread that helps it has failed: ${reason}`;
    if (hasWorked) this.#options.onCrash(cause);
  }
}
