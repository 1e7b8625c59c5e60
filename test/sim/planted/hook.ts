/*
 * Runs beside the loader of a process: modules that a plant changes are loaded as it has them (see
 * node:module, `register`).
 */
import type { LoadHook } from "node:module";
import type { PatchedModule } from "./plant.js";

/** Tells the process that the module was loaded with the plant. */
const MARK = `
globalThis.patchedModules = [...(globalThis.patchedModules ?? []), import.meta.url];`;

const sources = new Map<string, string>();

/** Takes the modules that a plant changes. */
export function initialize(modules: readonly PatchedModule[]): void {
  for (const { url, source } of modules) sources.set(url, source);
}

/** Loads the module of `url`. */
export const load: LoadHook = (url, context, nextLoad) => {
  const source = sources.get(url);
  if (source === undefined) return nextLoad(url, context);
  return { format: "module", shortCircuit: true, source: source + MARK };
};
