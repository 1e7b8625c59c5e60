import type { JournalFile, JournalFiles } from "./journal-files.js";

/** `files`, telling `onWritten` the milliseconds of each write to a journal, its sync included. */
export function timedFiles(files: JournalFiles, onWritten: (ms: number) => void): JournalFiles {
  const timed = async (work: () => Promise<void>): Promise<void> => {
    const startMs = performance.now();
    await work();
    onWritten(performance.now() - startMs);
  };
  return {
    ...files,
    create: async (path, durableWrites): Promise<JournalFile> => {
      const file = await files.create(path, durableWrites);
      return {
        write: (bytes, offset) => timed(() => file.write(bytes, offset)),
        writeNow: (bytes, offset) => {
          const startMs = performance.now();
          file.writeNow(bytes, offset);
          onWritten(performance.now() - startMs);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      };
    },
  };
}
