import { bundleOf } from "../../src/core/base/bundle.js";
import { Domain } from "../../src/core/base/hasher.js";
import type { Message, Request } from "../../src/core/message.js";
import { CheckList } from "../../src/core/wire/check-list.js";
import { decodeMessage } from "../../src/core/wire/decode.js";
import { encodeMessage } from "../../src/core/wire/encode.js";
import type { Scope } from "../../src/core/wire/scope.js";
import { signRequest } from "../../src/core/wire/sign.js";
import { planMessage } from "../../src/core/wire/signed-ranges.js";
import { loadCrypto } from "../../src/workers/load-crypto.js";
import type { CheckRunner } from "../../src/workers/run-checks.js";
import { sampleKeys } from "../harness/sample-keys.js";
import type { MicroCase, MicroSuite } from "./measure.js";

const OPERATION = new Uint8Array(23).fill(3);
const REPLICA_COUNT = 4;
const BATCH_REQUESTS = 64;

/** What it costs to write a message, and to plan, verify and decode one. */
export async function wireSuites(): Promise<MicroSuite[]> {
  const { provider } = await loadCrypto(process.env);
  const { hasher, roster, runner, signer } = sampleKeys(provider, REPLICA_COUNT);
  const request = (count: number): Request => {
    const bundle = bundleOf(Array.from({ length: count }, () => OPERATION));
    const unsigned = { kind: "request", client: 0, session: 1, timestamp: 1, bundle } as const;
    return signRequest(unsigned, signer);
  };
  const batchOf = (requests: readonly Request[]): Message => {
    const digest = hasher.digest(Domain.batch, new Uint8Array(0));
    return { kind: "pre-prepare", view: 1, seq: 1, batch: { requests, digest } };
  };
  const vote = { kind: "prepare", view: 1, seq: 1, digest: new Uint8Array(32) } as const;
  const fromPrimary: Scope = { roster, from: { role: "replica", id: 0 } };
  const fromClient: Scope = { roster, from: { role: "client", id: 0 } };
  const many = batchOf(Array.from({ length: BATCH_REQUESTS }, () => request(1)));
  const messages: [string, Message, Scope][] = [
    ["a request of one operation", request(1), fromClient],
    ["a request of 2,000", request(2_000), fromClient],
    ["a prepare", vote, fromPrimary],
    ["a pre-prepare of one request of 2,000 operations", batchOf([request(2_000)]), fromPrimary],
    ["a pre-prepare of 64 requests of one", many, fromPrimary],
  ];
  const cases = messages.flatMap(([name, message, scope]) => casesOf(name, message, scope, runner));
  return [{ title: `wire, ${provider.name}`, cases }];
}

function casesOf(name: string, message: Message, scope: Scope, runner: CheckRunner): MicroCase[] {
  const bytes = encodeMessage(message);
  const list = new CheckList();
  const planned = planMessage(bytes, 0, bytes.length, scope, list);
  const verdict = runner.run(bytes, list.checks);
  return [
    { name: `encode ${name}`, run: () => encodeMessage(message) },
    {
      name: `plan ${name}`,
      run: () => planMessage(bytes, 0, bytes.length, scope, new CheckList()),
    },
    { name: `verify ${name}`, run: () => runner.run(bytes, list.checks) },
    { name: `decode ${name}`, run: () => decodeMessage(bytes, planned, verdict, scope) },
  ];
}
