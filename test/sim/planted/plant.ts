import { readFileSync } from "node:fs";
import { register } from "node:module";

/** A replacement of text in a compiled file of the product. */
interface Edit {
  /** Below `dist`, with slashes. */
  readonly file: string;
  /** Occurs exactly once: a refactoring that moves it away fails loudly. */
  readonly find: string;
  readonly replace: string;
}

/** A bug that only a process of the tests can have: the product has no switch for it. */
export interface Plant {
  readonly name: string;
  /** Rule of the protocol that it breaks. */
  readonly rule: string;
  readonly edits: readonly Edit[];
  /** Edits that are right by themselves, made so that a run gets as far as the bug. */
  readonly setting?: readonly Edit[];
}

/** A module as the loader is to have it. */
export interface PatchedModule {
  readonly url: string;
  readonly source: string;
}

/** `dist`; this file runs as dist/test/sim/planted/plant.js. */
const DIST = new URL("../../../", import.meta.url);

/** The modules of `edits` with their texts replaced. @throws Error unless each applies once. */
export function patchedModules(edits: readonly Edit[]): PatchedModule[] {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const url = new URL(file, DIST).href;
    const source = sources.get(url) ?? readFileSync(new URL(url), "utf8");
    const count = source.split(find).length - 1;
    if (count !== 1) throw new Error(`${file} has ${count} places that read: ${find}`);
    sources.set(
      url,
      source.replace(find, () => replace),
    );
  }
  return [...sources].map(([url, source]) => ({ url, source }));
}

/**
 * Lets every module that this process imports from now on be as `plant` has it. Nothing of the
 * product may have been imported before; `assertGrown` makes sure.
 * @param settingOnly whether only the plant's setting is applied: what must pass.
 */
export function grow(plant: Plant, settingOnly: boolean): void {
  const modules = patchedModules([...(plant.setting ?? []), ...(settingOnly ? [] : plant.edits)]);
  register(new URL("./hook.js", import.meta.url), { data: modules });
  grown.push(...modules);
}

const grown: PatchedModule[] = [];

/** @throws Error unless every module that was patched is loaded. */
export function assertGrown(): void {
  const loaded = (globalThis as { patchedModules?: readonly string[] }).patchedModules ?? [];
  const missing = grown.filter(({ url }) => !loaded.includes(url));
  if (missing.length === 0) return;
  throw new Error(`not loaded with the plant: ${missing.map(({ url }) => url).join(" ")}`);
}
