import { posix } from "node:path";
import type { Rule } from "./rule.js";
import type { Tree } from "./tree.js";

const CORE_BELOW_CLIENTS = ["src/core/base", "src/core"];
const CORE_ROOMS = [
  ...CORE_BELOW_CLIENTS,
  "src/core/crypto",
  "src/core/wire",
  "src/core/pbft",
  "src/core/paging",
  "src/core/ledger",
  "src/core/entries",
  "src/core/journal",
  "src/core/client",
];
const HOST_ROOMS = [...CORE_ROOMS, "binding-free-src", "src/workers"];

/** The import graph of the product: each room, and the rooms that it may import from. */
const ROOMS: ReadonlyMap<string, readonly string[]> = new Map([
  ["src/core/base", []],
  ["src/core", ["src/core/base"]],
  ["src/core/crypto", ["src/core/base"]],
  ["src/core/wire", [...CORE_BELOW_CLIENTS, "src/core/crypto"]],
  ["src/core/pbft", CORE_BELOW_CLIENTS],
  ["src/core/paging", ["src/core/base"]],
  ["src/core/ledger", ["src/core/base", "src/core/paging"]],
  ["src/core/entries", ["src/core/base", "src/core/paging"]],
  ["src/core/journal", ["src/core/base"]],
  ["src/core/client", CORE_BELOW_CLIENTS],
  ["binding-free-src", ["src/core/base", "src/core/crypto"]],
  ["src/workers", ["src/core/base", "src/core/crypto", "binding-free-src"]],
  ["src/io", HOST_ROOMS],
  ["src/page", []],
  ["src/cli", [...HOST_ROOMS, "src/io", "src/page"]],
  ["bench", [...HOST_ROOMS, "src/io", "src/cli"]],
]);

/** Rooms whose files nobody outside may import. */
const LEAVES = ["test", "bench"];

/** Layers point one way. The compiler proves it too, as long as the next rule holds. */
export const roomOrder: Rule = {
  name: "a room imports only from the rooms below it",
  *check(tree) {
    for (const source of tree.sources()) {
      const from = roomOf(source.path);
      for (const { target, line } of source.imports) {
        const to = target === null ? from : roomOf(target);
        if (to === from || mayImport(from, to)) continue;
        const message = `${from} imports from ${to}: move the code down, or pass the value in`;
        yield { path: source.path, line, message };
      }
    }
  },
};

function mayImport(from: string, to: string): boolean {
  const allowed = ROOMS.get(from);
  return allowed === undefined ? from === "test" : allowed.includes(to);
}

/** `src/core/base` for `src/core/base/ids.ts`; `test` for everything below it. */
function roomOf(path: string): string {
  const leaf = LEAVES.find((name) => path.startsWith(`${name}/`));
  if (leaf !== undefined) return leaf;
  for (let room = posix.dirname(path); room !== "."; room = posix.dirname(room)) {
    if (ROOMS.has(room)) return room;
  }
  return posix.dirname(path);
}

/** What the rules read of a tsconfig.json; all of ours are plain JSON without comments. */
interface Project {
  readonly files?: readonly string[];
  readonly include?: readonly string[];
  readonly references?: readonly { readonly path: string }[];
  readonly compilerOptions?: { readonly types?: readonly string[] };
}

/** The compiler is told the same layers as this file. */
export const projectReferences: Rule = {
  name: "the tsconfig references are the room order",
  *check(tree) {
    for (const [room, allowed] of ROOMS) {
      const path = `${room}/tsconfig.json`;
      if (!tree.texts.has(path)) continue;
      const project = projectAt(tree, path);
      const actual = referencesOf(project, path);
      for (const extra of actual.filter((one) => !allowed.includes(one))) {
        yield { path, line: 1, message: `may not refer to ${extra}: test/tidy/rooms.ts says why` };
      }
      for (const missing of allowed.filter((one) => !actual.includes(one))) {
        yield { path, line: 1, message: `does not refer to ${missing}: add it or change rooms.ts` };
      }
      if (room.startsWith("src/core") && project.compilerOptions?.types !== undefined) {
        yield { path, line: 1, message: "the core takes `types` from the base: none" };
      }
    }
  },
};

/** No file is left out of the build, and so of the checks and the tests, by oversight. */
export const everyFileCompiled: Rule = {
  name: "every file is compiled by exactly one project, which the build knows",
  *check(tree) {
    const paths = [...tree.texts.keys()].filter((path) => path.endsWith("/tsconfig.json"));
    const built = referencesOf(projectAt(tree, "tsconfig.json"), "tsconfig.json");
    for (const path of paths.filter((one) => !built.includes(posix.dirname(one)))) {
      yield { path, line: 1, message: "add this project to the references of tsconfig.json" };
    }
    for (const path of tree.sourcePaths()) {
      const owners = paths.filter((project) => owns(tree, project, path));
      if (owners.length === 1) continue;
      const message = `compiled by ${owners.length} projects: ${owners.join(", ") || "list it"}`;
      yield { path, line: 1, message };
    }
  },
};

/** What runs is what was checked: the compiled core needs nothing but itself. */
export const coreStandsAlone: Rule = {
  name: "the compiled core imports nothing outside the core",
  *check(tree) {
    for (const [path, text] of tree.texts) {
      if (!path.startsWith("dist/src/core/")) continue;
      if (!tree.texts.has(path.replace(/^dist\//, "").replace(/\.js$/, ".ts"))) continue;
      for (const [index, line] of text.split("\n").entries()) {
        const specifier = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*"([^"]+)"/.exec(line)?.[1];
        if (specifier === undefined || isInsideCore(path, specifier)) continue;
        const message = `imports \`${specifier}\`: the core knows only the core`;
        yield { path, line: index + 1, message };
      }
    }
  },
};

function isInsideCore(path: string, specifier: string): boolean {
  const target = posix.join(posix.dirname(path), specifier);
  return specifier.startsWith(".") && target.startsWith("dist/src/core/");
}

function projectAt(tree: Tree, path: string): Project {
  return JSON.parse(tree.texts.get(path) ?? "{}") as Project;
}

function referencesOf(project: Project, path: string): string[] {
  const folder = posix.dirname(path);
  return (project.references ?? []).map((one) => posix.join(folder, one.path));
}

/**
 * Whether the project at `project` compiles the file at `path`. Patterns: `**`, `*`, as in glob.
 */
function owns(tree: Tree, project: string, path: string): boolean {
  const { files = [], include = [] } = projectAt(tree, project);
  const inside = posix.relative(posix.dirname(project), path);
  return files.includes(inside) || include.some((pattern) => patternOf(pattern).test(inside));
}

function patternOf(glob: string): RegExp {
  const escaped = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  const body = escaped.replace(/\*\*\/|\*/g, (star) =>
    star === "*" ? "[^/]*" : "(?:[^./][^/]*/)*",
  );
  return new RegExp(`^${body}$`);
}
