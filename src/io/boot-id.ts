import { readFile } from "node:fs/promises";

const BOOT_ID_PATH = "/proc/sys/kernel/random/boot_id";

/**
 * Names this run of the operating system: another value after a restart of the machine. Empty where
 * the system has no such name (only Linux has).
 */
export async function bootId(): Promise<string> {
  try {
    return (await readFile(BOOT_ID_PATH, "ascii")).trim();
  } catch {
    return "";
  }
}
