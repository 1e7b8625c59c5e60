import { BundleReader, BundleWriter } from "../../../src/core/base/bundle.js";
import type { EntryRow } from "../../../src/core/entries/entry-row.js";
import { EntryMachine } from "../../../src/core/entries/entry-machine.js";
import { type EntryAccess, taggedOperation } from "../../../src/core/entries/entry-operation.js";
import { readResult } from "../../../src/core/entries/entry-result.js";
import type { EntryService, EntryWriter } from "../../../src/core/entries/entry-service.js";
import { hasher } from "../pbft/builders.js";

const utf8 = new TextEncoder();

/** The bytes of a text. */
export function bytesOf(text: string): Uint8Array {
  return utf8.encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** A service whose operations are programs: the test says what each of them does. */
export class Scripted implements EntryService {
  readonly name = "scripted";
  readonly entriesMax: number;
  /** What the next operations do, by their text; the rest do what `set` and `delete` say. */
  readonly acts = new Map<string, (state: EntryWriter) => unknown>();

  constructor(entriesMax = 1_000) {
    this.entriesMax = entriesMax;
  }

  execute(state: EntryWriter, operation: Uint8Array): Uint8Array {
    const text = textOf(operation);
    const act = this.acts.get(text);
    if (act !== undefined) return act(state) as Uint8Array;
    const [verb, key = "", value = ""] = text.split(" ");
    if (verb === "set") state.set(key, bytesOf(value));
    else return bytesOf(String(state.delete(key)));
    return bytesOf("ok");
  }

  query(state: EntryWriter, operation: Uint8Array): Uint8Array {
    const act = this.acts.get(textOf(operation));
    if (act !== undefined) return act(state) as Uint8Array;
    return state.get(textOf(operation)) ?? bytesOf("-");
  }
}

/** A machine with what a test wants to know of it. */
export class Fixture {
  readonly service: Scripted;
  readonly machine: EntryMachine;
  readonly faults: unknown[] = [];

  constructor(service = new Scripted()) {
    this.service = service;
    this.machine = new EntryMachine({
      ...{ hasher, service, clientNames: ["teller", "client-1"] },
      onFault: (fault) => this.faults.push(fault),
    });
  }

  /** Executes operations in one request; the texts returned, null for what failed. */
  execute(...operations: readonly string[]): (string | null)[] {
    const results = new BundleWriter();
    this.machine.execute(1, bundleOf("write", operations), results);
    return textsIn(results.finish());
  }

  /** The same, so many operations at a time. */
  executeInParts(size: number, ...operations: readonly string[]): (string | null)[] {
    const results = new BundleWriter();
    const bundle = bundleOf("write", operations);
    while (bundle.remaining > 0) this.machine.execute(1, bundle, results, size);
    return textsIn(results.finish());
  }

  /** The same for reads that are ordered. */
  executeReads(...operations: readonly string[]): (string | null)[] {
    const results = new BundleWriter();
    this.machine.execute(1, bundleOf("read", operations), results);
    return textsIn(results.finish());
  }

  /** The same for reads. */
  query(...operations: readonly string[]): (string | null)[] {
    const results = new BundleWriter();
    this.machine.query(1, bundleOf("read", operations), results);
    return textsIn(results.finish());
  }

  /** All slots. */
  rows(): EntryRow[] {
    return [...this.machine.rows()].flat();
  }

  /** What is in each slot: key and value, or null. */
  slots(): (string | null)[] {
    return this.rows().map(({ key, value }) => (key === "" ? null : `${key} ${textOf(value)}`));
  }
}

function bundleOf(access: EntryAccess, operations: readonly string[]): BundleReader {
  const writer = new BundleWriter();
  for (const operation of operations) writer.append(taggedOperation(access, bytesOf(operation)));
  return new BundleReader(writer.finish());
}

function textsIn(results: Uint8Array): (string | null)[] {
  const texts: (string | null)[] = [];
  const reader = new BundleReader(results);
  while (reader.next()) {
    const result = readResult(reader.bytes, reader.start, reader.end);
    if (result === "failed") texts.push(null);
    else texts.push(result === "crowded" ? result : textOf(result));
  }
  return texts;
}
