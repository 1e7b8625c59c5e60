import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { EntryService } from "../core/entries/entry-service.js";
import { serviceFault } from "../io/choose-service.js";
import type { CommandInput } from "./command.js";
import { FailedOperation } from "./failure.js";

/** How a command is given a service of one's own. */
export const SERVICE_OPTION = {
  flags: "--service <file>",
  summary: "a module whose default export is the service, in place of the ledger",
} as const;

/**
 * The service that `--service` names; empty without it.
 * @throws FailedOperation when the file is no module with a service.
 */
export async function serviceOf(input: CommandInput): Promise<{ readonly service?: EntryService }> {
  const file = input.text("service");
  if (file === null) return {};
  const path = resolve(file);
  if (!existsSync(path)) throw new FailedOperation(`There is no file ${file}.`);
  const value = (await load(file, path)).default;
  const fault = serviceFault(value);
  if (fault === null) return { service: value as EntryService };
  throw new FailedOperation(`The default export of ${file} is no service: it ${fault}.`);
}

async function load(file: string, path: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new FailedOperation(
      `${file} can't be loaded as a JavaScript module: ${reason.split("\n")[0] ?? ""}`,
    );
  }
}
