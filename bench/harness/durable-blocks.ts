import { join } from "node:path";
import { type JournalFile, nodeJournalFiles } from "../../src/io/journal-files.js";

const BLOCK_BYTES = 4_096;
const BLOCK_COUNT = 64;

/** Durable writes as a journal makes them, of a block each, into space that is written already. */
export class DurableBlocks {
  readonly #file: JournalFile;
  readonly #block = new Uint8Array(BLOCK_BYTES);
  #next = 0;

  private constructor(file: JournalFile) {
    this.#file = file;
  }

  /** Makes the file `name` in `directory`, which its owner removes. */
  static async create(directory: string, name: string): Promise<DurableBlocks> {
    const file = await nodeJournalFiles.create(join(directory, name), true);
    await file.write(new Uint8Array(BLOCK_COUNT * BLOCK_BYTES), 0);
    return new DurableBlocks(file);
  }

  /** Writes a block from another thread. */
  write(): Promise<void> {
    return this.#file.write(this.#block, this.#nextOffset());
  }

  /** Writes a block from this thread. */
  writeNow(): void {
    this.#file.writeNow(this.#block, this.#nextOffset());
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  #nextOffset(): number {
    this.#next = (this.#next + 1) % BLOCK_COUNT;
    return this.#next * BLOCK_BYTES;
  }
}
