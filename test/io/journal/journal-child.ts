/*
 * Appends records to a journal on the real disk until it is killed, and says on its standard output
 * which of them are durable. Arguments: directory, durability, number of the first record, and
 * "main" if the main thread is to write what it may.
 */
import { Journal } from "../../../src/io/journal.js";
import type { JournalOptions } from "../../../src/io/journal.js";
import { nodeJournalFiles } from "../../../src/io/journal-files.js";
import { bytesOf, HASHER, IDENTITY, quickPace } from "./fixture.js";

const RECORDS_PER_GROUP = 3;
const SEGMENT_BYTES_MAX = 8_000;

const [, , directory = "", durability = "", first = "1", writer] = process.argv;
let next = Number(first);

const { journal } = await Journal.open({
  directory,
  identity: IDENTITY,
  durability: durability as JournalOptions["durability"],
  files: nodeJournalFiles,
  hasher: HASHER,
  onDurable: (id) => {
    process.stdout.write(`${Number(first) + id - 1}\n`);
    appendGroup();
  },
  onFatal: (error) => {
    throw error;
  },
  carryOver: () => [],
  ...(writer === "main" ? { pace: quickPace() } : {}),
  segmentBytesMax: SEGMENT_BYTES_MAX,
});
appendGroup();

function appendGroup(): void {
  for (let count = 0; count < RECORDS_PER_GROUP; count += 1) {
    journal?.append(bytesOf(`${next} ${"y".repeat(next % 300)}`), next);
    next += 1;
  }
}
