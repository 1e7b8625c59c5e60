import type { Rule } from "./rule.js";
import type { Tree } from "./tree.js";

/** A file can be understood, loaded and tested after those below it and before those above it. */
export const importCycles: Rule = {
  name: "no file imports itself in a circle",
  *check(tree) {
    const known = new Set(tree.sourcePaths());
    const done = new Set<string>();
    for (const path of known) {
      const circle = findCircle(tree, path, [], done);
      if (circle === null) continue;
      for (const member of circle) done.add(member);
      const [first = path] = circle;
      const message = `circle of imports ${[...circle, first].join(" → ")}: move what both need`;
      yield { path: first, line: 1, message };
    }
  },
};

/**
 * The first circle reachable from `path` over files not yet `done`, starting with its first file.
 */
function findCircle(
  tree: Tree,
  path: string,
  trail: readonly string[],
  done: Set<string>,
): string[] | null {
  const start = trail.indexOf(path);
  if (start >= 0) return trail.slice(start);
  if (done.has(path) || !tree.texts.has(path)) return null;
  for (const { target, runtime, starts } of tree.source(path).imports) {
    if (target === null || !runtime || starts) continue;
    const circle = findCircle(tree, target, [...trail, path], done);
    if (circle !== null) return circle;
  }
  done.add(path);
  return null;
}
