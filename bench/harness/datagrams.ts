import { createSocket, type Socket } from "node:dgram";
import { FailedOperation } from "../../src/cli/failure.js";
import type { DurableBlocks } from "./durable-blocks.js";

/*
 * The bare datagram patterns that the protocol cannot do without, n = 4, with the sizes that its
 * messages have for one operation. No codec, no cryptography, no state but counters.
 *
 *   read    client ─► 4 ─► client                                                 4 + 4 datagrams
 *   write   client ─► primary ─► 3 backups ─► each to 3 others ─► client       1 + 3 + 9 + 4 = 17
 *   commit  as write, with one more round of each to 3 others before the reply   17 + 12    = 29
 *   durable as write, with a durable write of a block wherever a replica votes or replies:
 *           1 before the primary's, 3 at a time before the backups', 4 before the replies
 */

/** Which pattern a round follows. */
type Pattern = "read" | "write" | "commit" | "durable";

/** Second byte of a datagram: what belongs to a write. */
const Flag = { commits: 1, durable: 2 } as const;

const FLAGS: Readonly<Record<Pattern, number>> = {
  read: 0,
  write: 0,
  commit: Flag.commits,
  durable: Flag.durable,
};

/** First byte of a datagram: what it stands for. */
const Kind = { read: 1, request: 2, order: 3, prepare: 4, commit: 5, reply: 6 } as const;

/** Size of each, in bytes, frame included. */
const BYTES = {
  [Kind.read]: 74,
  [Kind.request]: 148,
  [Kind.order]: 171,
  [Kind.prepare]: 89,
  [Kind.commit]: 89,
  [Kind.reply]: 87,
} as const;

const HOST = "127.0.0.1";
const QUORUM = 3;

/** A peer may be so many rounds behind the other three before its datagrams are ignored. */
const ROUNDS_KEPT = 256;

/** There is no retransmission: a datagram that is lost ends the measurement. */
const LOST_MS = 5_000;

/** Opens a socket on loopback; `lookup` answers at once, as in the product. */
async function openSocket(): Promise<Socket> {
  const socket = createSocket({
    type: "udp4",
    lookup: (host, _options, found) => {
      found(null, host, 4);
    },
  });
  await new Promise<void>((resolve) => socket.bind(0, HOST, resolve));
  return socket;
}

type Kinds = (typeof Kind)[keyof typeof Kind];

const PORT_OFFSET = 2;
const ROUND_OFFSET = 4;

/** Byte 0 kind, 1 flags, 2 and 3 the client's port, 4 to 7 the round. */
function datagram(kind: Kinds, flags: number, round: number, clientPort: number): Buffer {
  const bytes = Buffer.alloc(BYTES[kind]);
  bytes[0] = kind;
  bytes[1] = flags;
  bytes.writeUInt16BE(clientPort, PORT_OFFSET);
  bytes.writeUInt32BE(round, ROUND_OFFSET);
  return bytes;
}

function flagsOf(bytes: Buffer): number {
  return bytes[1] ?? 0;
}

/** Plays one replica's part. */
export class PatternPeer {
  readonly #socket: Socket;
  readonly #disk: DurableBlocks;
  readonly #rounds = new Uint32Array(ROUNDS_KEPT);
  readonly #prepares = new Uint8Array(ROUNDS_KEPT);
  readonly #commits = new Uint8Array(ROUNDS_KEPT);
  #others: readonly number[] = [];

  private constructor(socket: Socket, disk: DurableBlocks) {
    this.#socket = socket;
    this.#disk = disk;
    socket.on("message", (bytes) => this.#onDatagram(bytes));
  }

  static async open(disk: DurableBlocks): Promise<PatternPeer> {
    return new PatternPeer(await openSocket(), disk);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Tells it all ports, its own included. */
  meet(ports: readonly number[]): void {
    this.#others = ports.filter((port) => port !== this.port);
  }

  #onDatagram(bytes: Buffer): void {
    const slot = this.#slotOf(bytes.readUInt32BE(ROUND_OFFSET));
    if (slot === null) return;
    const kind = bytes[0];
    if (kind === Kind.read) this.#reply(bytes);
    else if (kind === Kind.request) this.#vote(Kind.order, bytes);
    else if (kind === Kind.order) {
      this.#vote(Kind.prepare, bytes);
      this.#onPrepare(slot, bytes);
    } else if (kind === Kind.prepare) this.#onPrepare(slot, bytes);
    else if (kind === Kind.commit) this.#onCommit(slot, bytes);
  }

  /**
   * Where `round` is counted; what an earlier one left there is forgotten. Null where a later one
   * is: three peers are enough for a round, so the fourth may fall behind.
   */
  #slotOf(round: number): number | null {
    const slot = round % ROUNDS_KEPT;
    const counted = this.#rounds[slot] ?? 0;
    if (counted > round) return null;
    if (counted < round) {
      this.#rounds[slot] = round;
      this.#prepares[slot] = 0;
      this.#commits[slot] = 0;
    }
    return slot;
  }

  /** Q - 1 prepares, a backup's own included. */
  #onPrepare(slot: number, bytes: Buffer): void {
    const count = (this.#prepares[slot] ?? 0) + 1;
    this.#prepares[slot] = count;
    if (count !== QUORUM - 1) return;
    this.#record(bytes);
    if ((flagsOf(bytes) & Flag.commits) === 0) return this.#reply(bytes);
    this.#sendOthers(Kind.commit, bytes);
    this.#onCommit(slot, bytes);
  }

  #onCommit(slot: number, bytes: Buffer): void {
    const count = (this.#commits[slot] ?? 0) + 1;
    this.#commits[slot] = count;
    if (count === QUORUM) this.#reply(bytes);
  }

  #vote(kind: Kinds, cause: Buffer): void {
    this.#record(cause);
    this.#sendOthers(kind, cause);
  }

  /** As a replica does while its disk is quick: on the main thread. */
  #record(cause: Buffer): void {
    if ((flagsOf(cause) & Flag.durable) !== 0) this.#disk.writeNow();
  }

  #sendOthers(kind: Kinds, cause: Buffer): void {
    const round = cause.readUInt32BE(ROUND_OFFSET);
    const bytes = datagram(kind, flagsOf(cause), round, cause.readUInt16BE(PORT_OFFSET));
    for (const port of this.#others) this.#socket.send(bytes, port, HOST);
  }

  #reply(cause: Buffer): void {
    const clientPort = cause.readUInt16BE(PORT_OFFSET);
    const round = cause.readUInt32BE(ROUND_OFFSET);
    this.#socket.send(datagram(Kind.reply, 0, round, clientPort), clientPort, HOST);
  }
}

/** Plays the client's part: one round after the other. */
export class PatternClient {
  readonly #socket: Socket;
  readonly #ports: readonly number[];
  #round = 0;
  #replyCount = 0;
  #onQuorum: () => void = () => undefined;
  #onLost: (error: Error) => void = () => undefined;
  #roundWatched = 0;
  readonly #watch: NodeJS.Timeout;

  private constructor(socket: Socket, ports: readonly number[]) {
    this.#socket = socket;
    this.#ports = ports;
    socket.on("message", (bytes) => {
      if (bytes.readUInt32BE(ROUND_OFFSET) !== this.#round) return;
      this.#replyCount += 1;
      if (this.#replyCount === QUORUM) this.#onQuorum();
    });
    this.#watch = setInterval(() => {
      this.#lookForLoss();
    }, LOST_MS);
  }

  /** Of two looks between which no round began, the second finds one that does not end. */
  #lookForLoss(): void {
    if (this.#roundWatched === this.#round && this.#replyCount < QUORUM) {
      this.#onLost(new FailedOperation("A bare datagram was lost: run it again."));
    }
    this.#roundWatched = this.#round;
  }

  static async open(ports: readonly number[]): Promise<PatternClient> {
    return new PatternClient(await openSocket(), ports);
  }

  /** One round; resolves with the quorum's last reply. */
  run(pattern: Pattern): Promise<void> {
    this.#round += 1;
    this.#replyCount = 0;
    const kind = pattern === "read" ? Kind.read : Kind.request;
    const { port } = this.#socket.address();
    const bytes = datagram(kind, FLAGS[pattern], this.#round, port);
    const targets = pattern === "read" ? this.#ports : this.#ports.slice(0, 1);
    return new Promise((resolve, reject) => {
      this.#onQuorum = resolve;
      this.#onLost = reject;
      for (const target of targets) this.#socket.send(bytes, target, HOST);
    });
  }

  close(): Promise<void> {
    clearInterval(this.#watch);
    return new Promise((resolve) => this.#socket.close(resolve));
  }
}
