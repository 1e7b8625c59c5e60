import type { Tree } from "./tree.js";

/** One place that breaks a rule, and what to do instead. */
interface Finding {
  /** Path from the root of the repository. */
  readonly path: string;
  /** 1 and up; 1 where the file as a whole is meant. */
  readonly line: number;
  /** What is wrong and what to do instead, in one sentence. */
  readonly message: string;
}

/** A rule of style that a program can check. */
export interface Rule {
  /** What every file of the tree keeps, as a sentence: the name of its test. */
  readonly name: string;
  /** Every place in `tree` that breaks the rule. */
  readonly check: (tree: Tree) => Iterable<Finding>;
}

/** A finding the way editors and terminals link it. */
export function formatFinding(finding: Finding): string {
  return `${finding.path}:${finding.line}: ${finding.message}`;
}
