import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { openUdpSocket, SocketError, type UdpSocket } from "../../../src/io/udp-socket.js";

const ANY_PORT = { address: "127.0.0.1", port: 0 };

async function withSockets(
  count: number,
  use: (...sockets: UdpSocket[]) => Promise<void>,
): Promise<void> {
  const sockets: UdpSocket[] = [];
  try {
    for (let index = 0; index < count; index += 1) sockets.push(await openUdpSocket(ANY_PORT));
    await use(...sockets);
  } finally {
    await Promise.all(sockets.map((socket) => socket.close()));
  }
}

/** The next datagram, as a promise. */
function nextDatagram(socket: UdpSocket): Promise<{ bytes: Uint8Array; port: number }> {
  return new Promise((resolve) => {
    socket.receive((bytes, from) => {
      resolve({ bytes, port: from.port });
    });
  });
}

function send(socket: UdpSocket, bytes: Uint8Array, port: number): Promise<void> {
  return new Promise((resolve) => {
    socket.send(bytes, { address: "127.0.0.1", port }, resolve);
  });
}

test("a datagram arrives as it was sent, from the address of its sender", async () => {
  await withSockets(2, async (left, right) => {
    for (const size of [0, 1, 1_472, 65_507]) {
      const bytes = Uint8Array.from({ length: size }, (_, index) => index % 251);
      const arrival = nextDatagram(right);
      await send(left, bytes, right.local.port);
      assert.deepEqual(await arrival, { bytes, port: left.local.port });
    }
    assert.equal(left.counts.datagramsSent, 4);
    assert.equal(right.counts.bytesReceived, 1 + 1_472 + 65_507);
  });
});

test("a received datagram has memory of its own: the next one does not overwrite it", async () => {
  await withSockets(2, async (left, right) => {
    const held: Uint8Array[] = [];
    for (let value = 1; value <= 20; value += 1) {
      const arrival = nextDatagram(right);
      await send(left, new Uint8Array(100).fill(value), right.local.port);
      held.push((await arrival).bytes);
    }
    const buffers = new Set(held.map(({ buffer }) => buffer));
    assert.equal(buffers.size, 20);
    assert.ok(held.every((bytes) => bytes.buffer.byteLength === 100));
    for (const [index, bytes] of held.entries()) {
      assert.ok(bytes.every((byte) => byte === index + 1));
    }
  });
});

test("a datagram that is too large is dropped and counted", async () => {
  await withSockets(1, async (socket) => {
    await send(socket, new Uint8Array(65_508), socket.local.port);
    assert.equal(socket.counts.dropped, 1);
    assert.equal(socket.counts.datagramsSent, 0);
  });
});

test("an address that cannot be sent to is counted, not thrown", async () => {
  await withSockets(1, async (socket) => {
    await new Promise<void>((resolve) => {
      socket.send(new Uint8Array(8), { address: "not-an-address", port: 9 }, resolve);
    });
    assert.equal(socket.counts.sendErrors, 1);
  });
});

test("a closed socket sends nothing, hears nothing, and may be closed again", async () => {
  await withSockets(2, async (left, right) => {
    await left.close();
    await left.close();
    let calledBack = false;
    const sent = new Promise<void>((resolve) => {
      left.send(new Uint8Array(8), right.local, () => {
        calledBack = true;
        resolve();
      });
    });
    assert.equal(calledBack, false, "never during the call");
    await sent;
    assert.equal(left.counts.dropped, 1);
  });
});

test("a port in use is said to be in use", async () => {
  await withSockets(1, async (socket) => {
    await assert.rejects(openUdpSocket(socket.local), (error) => {
      assert.ok(error instanceof SocketError);
      assert.match(error.message, new RegExp(`port ${String(socket.local.port)} is in use`));
      return true;
    });
  });
});

test("an address that is not ours, or not one at all, is said to be so", async () => {
  const foreign = openUdpSocket({ address: "192.0.2.1", port: 0 });
  await assert.rejects(foreign, /192\.0\.2\.1 is not an address of this machine/);
  const name = openUdpSocket({ address: "localhost", port: 0 });
  await assert.rejects(name, /"localhost" is not an IP address/);
});

test("IPv6 works like IPv4 where the machine has it", async (t) => {
  let socket: UdpSocket;
  try {
    socket = await openUdpSocket({ address: "::1", port: 0 });
  } catch (error) {
    assert.ok(error instanceof SocketError);
    t.skip(error.message);
    return;
  }
  const arrival = nextDatagram(socket);
  socket.send(Uint8Array.of(6), socket.local, () => undefined);
  assert.deepEqual((await arrival).bytes, Uint8Array.of(6));
  await socket.close();
});

test("the socket's buffers hold a largest datagram, and their size is known", async () => {
  const socket = await openUdpSocket(ANY_PORT);
  assert.ok(socket.receiveBufferBytes >= 65_507, String(socket.receiveBufferBytes));
  assert.ok(socket.sendBufferBytes >= 65_507, String(socket.sendBufferBytes));
  await socket.close();
});

test("an unreferenced socket does not keep the process alive", async () => {
  const module = new URL("../../../src/io/udp-socket.js", import.meta.url).href;
  const code = `const { openUdpSocket } = await import(${JSON.stringify(module)});
    (await openUdpSocket({ address: "127.0.0.1", port: 0 })).unref();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", code]);
  const [status] = (await once(child, "exit")) as [number | null];
  assert.equal(status, 0);
});
