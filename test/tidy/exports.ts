import { posix } from "node:path";
import type { Rule } from "./rule.js";
import type { Source } from "./source.js";
import type { Tree } from "./tree.js";

/** What a user of the library imports. */
const FACADE = "src/io/pbft-ledger.ts";

const PRODUCT = /^(?:src|binding-free-src|bench)\//;
const DOCUMENTED = /^(?:src|binding-free-src)\//;

const isTest = (path: string): boolean => path.startsWith("test/");

/** One way to name a thing: the same everywhere, and found by a search. */
export const namedExports: Rule = {
  name: "everything is exported by its name, from the file that holds it",
  *check(tree) {
    for (const { path, code } of tree.sources()) {
      if (posix.basename(path) === "index.ts") {
        yield { path, line: 1, message: "a barrel: import from the file that holds the thing" };
      }
      for (const [index, text] of code.split("\n").entries()) {
        const line = index + 1;
        if (/\bexport\s*\*/.test(text)) {
          yield { path, line, message: "`export *`: name what is passed on" };
        }
        if (/\bexport\s+default\b|\bas\s+default\b|\bexport\s*=/.test(text)) {
          yield { path, line, message: "default export: give it its name" };
        }
      }
    }
  },
};

/** A folder is named after what is in it, not after what its author felt. */
export const folderNames: Rule = {
  name: "no folder is named after nothing",
  *check(tree) {
    for (const path of tree.texts.keys()) {
      const name = /(?:^|\/)(utils?|common|helpers?|types|libs?|misc|shared)\//.exec(path)?.[1];
      if (name === undefined || path.startsWith("dist/")) continue;
      const message = `folder \`${name}\`: put the file where its one subject lives`;
      yield { path, line: 1, message };
    }
  },
};

/** Whoever uses a thing reads its contract, not its code. */
export const docComments: Rule = {
  name: "every export has a doc comment",
  *check(tree) {
    for (const source of tree.sources().filter(({ path }) => DOCUMENTED.test(path))) {
      for (const { name, line, documented } of source.exports) {
        if (documented) continue;
        const message = `\`${name}\` has no doc comment: what it is, its units and bounds`;
        yield { path: source.path, line, message };
      }
    }
  },
};

/** Nothing is exported that nothing uses. A test alone does not make a use of the product. */
export const deadExports: Rule = {
  name: "every export is used by another file",
  *check(tree) {
    const entries = entriesOf(tree);
    const product = tree.sources().filter(({ path }) => PRODUCT.test(path));
    const usedByProduct = usesOf(product);
    const usedByAnyone = usesOf(tree.sources());
    for (const source of tree.sources().filter(({ path }) => !entries.has(path))) {
      const used = isTest(source.path) ? usedByAnyone : usedByProduct;
      const names = used.get(source.path) ?? new Set();
      for (const { name, line } of source.exports) {
        if (names.has(name) || names.has("*")) continue;
        const message = `nothing uses \`${name}\` outside this file: unexport or remove it`;
        yield { path: source.path, line, message };
      }
    }
  },
};

/** Every file is part of a program. */
export const deadFiles: Rule = {
  name: "every file is reached from an entry point",
  *check(tree) {
    const entries = entriesOf(tree);
    const product = reachedFrom(
      tree,
      [...entries].filter((path) => !isTest(path)),
    );
    const everything = reachedFrom(tree, entries);
    for (const path of tree.sourcePaths().filter((one) => !one.endsWith(".d.ts"))) {
      const reached = isTest(path) ? everything : product;
      if (reached.has(path)) continue;
      yield { path, line: 1, message: "no entry point leads here: import it or remove it" };
    }
  },
};

/**
 * Where programs start: the library's façade, the files that package.json runs, files started as a
 * worker or a process by `new URL("./file.js", import.meta.url)`, tests and micro-benchmarks.
 */
function entriesOf(tree: Tree): Set<string> {
  const run = (tree.texts.get("package.json") ?? "").matchAll(/\bdist\/([\w./-]+)\.js\b/g);
  const started = tree.sources().flatMap(({ imports }) => imports.filter(({ starts }) => starts));
  return new Set([
    FACADE,
    ...[...run].map(([, path]) => `${path ?? ""}.ts`),
    ...started.map(({ target }) => target ?? ""),
    ...tree.sourcePaths().filter((path) => /\.(?:test|bench)\.ts$/.test(path)),
  ]);
}

/** By path, the names that other files take from it; "*" for all of them. */
function usesOf(users: readonly Source[]): Map<string, Set<string>> {
  const uses = new Map<string, Set<string>>();
  for (const { target, names } of users.flatMap(({ imports }) => imports)) {
    if (target === null) continue;
    const known = uses.get(target) ?? new Set();
    for (const name of names === "all" ? ["*"] : names) known.add(name);
    uses.set(target, known);
  }
  return uses;
}

function reachedFrom(tree: Tree, entries: Iterable<string>): Set<string> {
  const reached = new Set<string>();
  const waiting = [...entries];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (reached.has(path) || !tree.texts.has(path)) continue;
    reached.add(path);
    for (const { target } of tree.source(path).imports) {
      if (target !== null) waiting.push(target);
    }
  }
  return reached;
}
