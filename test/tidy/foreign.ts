import type { Rule } from "./rule.js";
import type { Source } from "./source.js";
import type { Tree } from "./tree.js";

/** Parts of Node that are a boundary of their own: one file each, like a foreign package. */
const NARROW_PARTS_OF_NODE = new Set(["node:dgram"]);

/** Where one package may be imported once: the product in one file, the benchmarks in another. */
const REGIONS = [
  { name: "src and binding-free-src", paths: /^(?:src|binding-free-src)\// },
  { name: "bench", paths: /^bench\// },
] as const;

/** Swapping a dependency is a change of one file. */
export const foreignImports: Rule = {
  name: "each foreign package is imported by one file",
  *check(tree) {
    for (const region of REGIONS) {
      const users = usersOf(tree, region.paths);
      for (const [name, uses] of users) {
        const paths = [...new Set(uses.map((use) => use.path))];
        if (paths.length < 2) continue;
        for (const { path, line } of uses) {
          const others = paths.filter((other) => other !== path).join(", ");
          const message = `\`${name}\` is also imported by ${others}: keep one, wrap it there`;
          yield { path, line, message };
        }
      }
    }
  },
};

/** A package that is installed has a user, and a package that the product uses is installed. */
export const declaredDependencies: Rule = {
  name: "package.json lists exactly what the product imports",
  *check(tree) {
    const text = tree.texts.get("package.json") ?? "{}";
    const manifest = JSON.parse(text) as { readonly dependencies?: Record<string, string> };
    const declared = new Set(Object.keys(manifest.dependencies ?? {}));
    const users = usersOf(tree, /^(?:src|binding-free-src|bench)\//);
    for (const name of declared) {
      if (users.has(name)) continue;
      const line = 1 + text.slice(0, text.indexOf(`"${name}":`)).split("\n").length - 1;
      yield { path: "package.json", line, message: `no file imports \`${name}\`: remove it` };
    }
    for (const [name, uses] of usersOf(tree, REGIONS[0].paths)) {
      if (declared.has(name) || name.startsWith("node:")) continue;
      for (const { path, line } of uses) {
        yield { path, line, message: `\`${name}\` is not among the dependencies of package.json` };
      }
    }
  },
};

interface Use {
  readonly path: string;
  readonly line: number;
}

/** By package, every import of it in the files that match `paths`. */
function usersOf(tree: Tree, paths: RegExp): Map<string, Use[]> {
  const users = new Map<string, Use[]>();
  for (const source of tree.sources().filter(({ path }) => paths.test(path))) {
    for (const { name, line } of foreignOf(source)) {
      users.set(name, [...(users.get(name) ?? []), { path: source.path, line }]);
    }
  }
  return users;
}

function foreignOf(source: Source): { readonly name: string; readonly line: number }[] {
  return source.imports
    .filter(({ target, starts }) => target === null && !starts)
    .map(({ specifier, line }) => ({ name: packageOf(specifier), line }))
    .filter(({ name }) => !name.startsWith("node:") || NARROW_PARTS_OF_NODE.has(name));
}

/** `@scope/name/deep/file.js` belongs to `@scope/name`. */
function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
