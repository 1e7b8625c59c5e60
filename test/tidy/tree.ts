import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Source } from "./source.js";

/** Folders of the repository that people write in. */
const FOLDERS = [
  ".ci",
  "assets",
  "bench",
  "binding-free-src",
  "deploy",
  "docs",
  "examples",
  "sql",
  "src",
  "test",
];

/** Compiled files that a rule looks at: the proof that the core stands alone. */
const ARTIFACTS = "dist/src/core";

const TEXT_FILE = /\.(?:ts|js|json|md|sql|sh|yml|yaml)$|^\.ci\//;

/** The repository as the rules see it: paths and texts, from the disk or made up by a test. */
export class Tree {
  /** Text by path, slashes forward; "" for files that are not text. */
  readonly texts: ReadonlyMap<string, string>;
  readonly #sources = new Map<string, Source>();

  constructor(texts: ReadonlyMap<string, string>) {
    this.texts = texts;
  }

  /** Paths of the TypeScript files, sorted. */
  sourcePaths(): string[] {
    return [...this.texts.keys()].filter((path) => path.endsWith(".ts")).sort();
  }

  /** Every TypeScript file, parsed once. */
  sources(): Source[] {
    return this.sourcePaths().map((path) => this.source(path));
  }

  /** The parsed file at `path`, which must be one of `sourcePaths()`. */
  source(path: string): Source {
    const known = this.#sources.get(path);
    if (known !== undefined) return known;
    const source = new Source(path, this.texts.get(path) ?? "");
    this.#sources.set(path, source);
    return source;
  }

  /** Whether `path` is a file or a folder of the tree. */
  exists(path: string): boolean {
    if (path === "" || this.texts.has(path)) return true;
    return [...this.texts.keys()].some((known) => known.startsWith(`${path}/`));
  }
}

/**
 * Reads the repository at `root`: the files beside package.json, the folders above, the artifacts.
 */
export function readTree(root: string): Tree {
  const texts = new Map<string, string>();
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isFile()) readInto(texts, root, entry.name);
  }
  for (const folder of [...FOLDERS, ARTIFACTS]) readFolder(texts, root, folder);
  return new Tree(texts);
}

function readFolder(texts: Map<string, string>, root: string, folder: string): void {
  for (const entry of entriesOf(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) readFolder(texts, root, path);
    else if (!path.startsWith(ARTIFACTS) || path.endsWith(".js")) readInto(texts, root, path);
  }
}

function readInto(texts: Map<string, string>, root: string, path: string): void {
  texts.set(path, TEXT_FILE.test(path) ? readFileSync(join(root, path), "utf8") : "");
}

/** The entries of a folder; none when it does not exist: docs or dist may be absent. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
