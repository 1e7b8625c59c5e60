import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Where a figure was measured, and of what. */
interface MachineConditions {
  readonly machine: {
    readonly cpuModel: string;
    readonly cpuCount: number;
    readonly memoryBytes: number;
    readonly platform: string;
  };
  readonly nodeVersion: string;
  /** Commit of this program's checkout, with a "+" when files differ from it; null when unknown. */
  readonly commit: string | null;
}

/** What a figure depends on and a reader has to know to compare it. */
export interface RunConditions extends MachineConditions {
  /**
   * Processes of all programs that wanted a processor, in the mean of the minute before the run;
   * null where the system does not count them.
   */
  readonly loadBefore: number | null;
  readonly cluster: ClusterConditions;
  readonly load: LoadConditions;
}

/** How the measured cluster was set up. */
export interface ClusterConditions {
  readonly replicaCount: number;
  readonly store: string;
  readonly durability: string;
  /** "journal" or "strict". */
  readonly replies: string;
  readonly verifier: string;
  /** What is between client and replicas, in words. */
  readonly network: string;
  /** What the replicas' files are on, in words; null when unknown. */
  readonly fileSystem: string | null;
}

/** How it was driven. */
interface LoadConditions {
  readonly sessions: number;
  readonly inFlight: number;
  /** Null in the closed loop. */
  readonly ratePerSecond: number | null;
  readonly seed: number;
  readonly timeoutMs: number;
}

/** Collects the conditions of a run on this machine, before it begins. */
export async function runConditions(
  cluster: ClusterConditions,
  load: LoadConditions,
): Promise<RunConditions> {
  const loadBefore = process.platform === "win32" ? null : (loadavg()[0] ?? null);
  return { ...(await machineConditions()), loadBefore, cluster, load };
}

/** The part of the conditions that does not depend on what is run. */
export async function machineConditions(): Promise<MachineConditions> {
  const processors = cpus();
  return {
    machine: {
      cpuModel: processors[0]?.model.trim() ?? "unknown",
      cpuCount: processors.length,
      memoryBytes: totalmem(),
      platform: `${process.platform} ${release()} ${process.arch}`,
    },
    nodeVersion: process.version,
    commit: await commitOfCheckout(),
  };
}

/** Where this file, compiled, has its package: the folder that holds `dist`. */
const PACKAGE_FOLDER = fileURLToPath(new URL("../../../..", import.meta.url));

/** Null where the package is not a checkout itself, or git is missing. */
async function commitOfCheckout(): Promise<string | null> {
  if (!existsSync(join(PACKAGE_FOLDER, ".git"))) return null;
  const git = async (...words: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("git", ["-C", PACKAGE_FOLDER, ...words]);
    return stdout.trim();
  };
  try {
    const head = await git("rev-parse", "--short=12", "HEAD");
    const changes = await git("status", "--porcelain", "--untracked-files=no");
    return changes === "" ? head : `${head}+`;
  } catch {
    return null;
  }
}
