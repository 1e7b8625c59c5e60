import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { PortableCrypto } from "../../../binding-free-src/portable-crypto.js";
import { bundleOf } from "../../../src/core/base/bundle.js";
import type { Message } from "../../../src/core/message.js";
import { clientOfFrame } from "../../../src/core/wire/header.js";
import { ClientPort, openClientPort } from "../../../src/io/client-port.js";
import { createCluster } from "../../../src/io/cluster-create.js";
import { Destination, Egress } from "../../../src/io/egress.js";
import { KeyRing } from "../../../src/io/key-ring.js";
import { Tally } from "../../../src/io/tally.js";
import type { DatagramHandler, DatagramSocket, SocketCounts } from "../../../src/io/udp-socket.js";
import { EXAMPLES } from "../../core/wire/examples.js";
import { client, replica, rosterOf } from "../../core/wire/sample-cluster.js";
import { HeldHelper } from "../../workers/held-helper.js";
import { SampleLink, sealerOf } from "./sample-link.js";

const PLACE = { address: "127.0.0.1", port: 7_001 };
const { hello, reply } = EXAMPLES;

const crypto = new PortableCrypto();
const CLUSTER = {
  replicaCount: 4,
  hosts: ["127.0.0.1"],
  port: 7_000,
  store: "memory",
  durability: "none",
  replies: "journal",
  accounts: [],
} as const;

/** A socket whose other end is the test. */
class OpenSocket implements DatagramSocket {
  readonly local = PLACE;
  readonly counts = {} as SocketCounts;
  readonly sent: Uint8Array[] = [];
  handler: DatagramHandler = () => assert.fail("nobody receives");
  isClosed = false;

  receive(handler: DatagramHandler): void {
    this.handler = handler;
  }

  send(bytes: Uint8Array, _to: unknown, done: () => void): void {
    this.sent.push(bytes.slice());
    queueMicrotask(done);
  }

  unref(): void {
    assert.fail("not used");
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** What client `id` sends through `port`. */
function egressOf(port: ClientPort, id: number): Egress {
  const { datagrams } = port;
  const roster = rosterOf(client(id));
  return new Egress({ roster, sealer: sealerOf(client(id)), datagrams, drops: new Tally() });
}

/** One datagram of replica 1 with a reply for each of these clients. */
function repliesFor(...ids: number[]): Uint8Array {
  const link = new SampleLink(replica(1), replica(0));
  link.egress.queue(
    reply,
    ids.map((id) => new Destination(client(id), PLACE)),
  );
  link.egress.flush();
  link.socket.settle();
  const [datagram = assert.fail()] = link.socket.take();
  return datagram;
}

test("what the clients of a port send in one turn to one replica is one datagram", async () => {
  const socket = new OpenSocket();
  const port = new ClientPort(socket, 65_507, 10);
  for (const id of [1, 2]) {
    const egress = egressOf(port, id);
    egress.queue(hello, [new Destination(replica(0), PLACE)]);
    egress.flush();
  }
  assert.equal(socket.sent.length, 0);
  await nextTurn();
  assert.equal(socket.sent.length, 1);
  const heard: [number, Message["kind"]][] = [];
  for (const id of [1, 2]) {
    const link = new SampleLink(client(id), replica(0));
    const [datagram = assert.fail()] = socket.sent;
    const half = datagram.length / 2;
    link.deliver([datagram.subarray((id - 1) * half, id * half)]);
    for (const { kind } of link.takeArrived()) heard.push([id, kind]);
  }
  assert.deepEqual(heard, [
    [1, "hello"],
    [2, "hello"],
  ]);
});

test("each client of a port gets the frames that are for it, until it leaves", () => {
  const socket = new OpenSocket();
  const port = new ClientPort(socket, 65_507, 10);
  const links = [1, 2, 2].map((id) => new SampleLink(replica(1), client(id)));
  const detach = links.map(({ ingress }, index) => port.attach(index === 0 ? 1 : 2, ingress));
  const countsAfter = (datagram: Uint8Array): number[] => {
    socket.handler(datagram, PLACE);
    return links.map((link) => link.takeArrived().length);
  };
  assert.deepEqual(countsAfter(repliesFor(0, 2, 1)), [1, 1, 1]);
  detach[1]?.();
  assert.deepEqual(countsAfter(repliesFor(2, 1, 2)), [1, 0, 2]);
  detach[2]?.();
  assert.deepEqual(countsAfter(repliesFor(2)), [0, 0, 0]);
  assert.deepEqual(countsAfter(new Uint8Array(10)), [0, 0, 0]);
});

test("a frame that a client does not want is not even verified, and others still are (AU7)", () => {
  const socket = new OpenSocket();
  const port = new ClientPort(socket, 65_507, 10);
  const links = [1, 2].map((id) => new SampleLink(replica(1), client(id)));
  for (const [index, { ingress }] of links.entries()) {
    port.attach(index + 1, ingress, (datagram, start) => {
      return index === 0 && clientOfFrame(datagram, start) === 1;
    });
  }
  const datagram = repliesFor(1, 2);
  // Its MAC is wrong: who would look at it would count it.
  datagram[0] = 1 ^ (datagram[0] ?? 0);
  socket.handler(datagram, PLACE);
  assert.deepEqual(
    links.map((link) => [link.takeArrived().length, link.dropped()]),
    [
      [0, {}],
      [1, {}],
    ],
  );
});

test("a port is closed with its socket and its helper", async () => {
  const [socket, helper] = [new OpenSocket(), new HeldHelper()];
  await new ClientPort(socket, 65_507, 10, helper).close();
  assert(socket.isClosed);
  assert(helper.isClosed);
});

test("a port that cannot be opened leaves no socket that keeps the process alive", async () => {
  const { genesis } = createCluster({ ...CLUSTER, clientCount: 1 }, crypto);
  const sockets: OpenSocket[] = [];
  const openSocket = (): Promise<DatagramSocket> => {
    const socket = new OpenSocket();
    sockets.push(socket);
    return Promise.resolve(socket);
  };
  const { CRYPTO } = process.env;
  process.env["CRYPTO"] = "unheard-of";
  try {
    await openClientPort(genesis, { openSocket }).then(
      (port) => port.close(),
      () => undefined,
    );
  } finally {
    if (CRYPTO === undefined) delete process.env["CRYPTO"];
    else process.env["CRYPTO"] = CRYPTO;
  }
  assert(sockets.every(({ isClosed }) => isClosed));
});

test("a port has a thread that helps to sign only when it needs one, or none at all", async () => {
  const clientCount = 20;
  const { genesis, clientKeys } = createCluster({ ...CLUSTER, clientCount }, crypto);
  let threadCount = 0;
  const onWorker = (): void => {
    threadCount += 1;
  };
  process.on("worker", onWorker);
  const threadsWith = async (writers: number, hasHelper: boolean): Promise<number> => {
    threadCount = 0;
    const openSocket = (): Promise<DatagramSocket> => Promise.resolve(new OpenSocket());
    const port = await openClientPort(genesis, { openSocket, hasHelper });
    let signedCount = 0;
    for (const [id, secrets] of clientKeys.slice(0, writers).entries()) {
      const keys = new KeyRing(crypto, genesis, client(id), secrets);
      const bundle = bundleOf([Uint8Array.of(1)]);
      const message = { kind: "request", client: id, session: 1, timestamp: 1, bundle } as const;
      port.signer.sign(message, keys, () => {
        signedCount += 1;
      });
    }
    await nextTurn();
    assert.equal(signedCount, writers);
    await port.close();
    return threadCount;
  };
  assert.equal(await threadsWith(15, true), 0);
  assert.equal(await threadsWith(clientCount, true), availableParallelism() > 1 ? 1 : 0);
  assert.equal(await threadsWith(clientCount, false), 0);
  process.off("worker", onWorker);
});
