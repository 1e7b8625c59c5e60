import { statfsSync } from "node:fs";

/** Linux's numbers for file systems, from its statfs(2). */
const NAMES: ReadonlyMap<number, string> = new Map([
  [0xef53, "ext4"],
  [0x58465342, "xfs"],
  [0x9123683e, "btrfs"],
  [0x2fc12fc1, "zfs"],
  [0x794c7630, "overlayfs"],
  [0x01021994, "tmpfs, which is memory: syncing costs nothing"],
  [0x6969, "nfs"],
]);

/** What kind of file system `path` is on, which decides what an fsync costs; null when unknown. */
export function fileSystemOf(path: string): string | null {
  try {
    return NAMES.get(statfsSync(path).type) ?? null;
  } catch {
    // A path that is not on this machine has none that can be told.
    return null;
  }
}
