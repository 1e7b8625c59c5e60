import { availableParallelism } from "node:os";
import type { ClientId } from "../core/base/ids.js";
import { clientOfFrame, endOfFrame } from "../core/wire/header.js";
import { HelperThread, type SignatureHelper } from "../workers/helper-thread.js";
import { loadCrypto } from "../workers/load-crypto.js";
import type { Genesis } from "./config.js";
import { datagramBytesMaxOf, isLoopback } from "./datagram-size.js";
import { DatagramPacker } from "./datagram-packer.js";
import { EndOfTurn } from "./end-of-turn.js";
import type { Ingress } from "./ingress.js";
import { TurnSigner } from "./turn-signer.js";
import { Tally } from "./tally.js";
import { SharedTicker } from "./ticker.js";
import { openUdpSocket, type DatagramSocket, type SocketAddress } from "./udp-socket.js";

/** Opens a socket; a test may put one in between that loses datagrams. */
export type SocketOpener = (local: SocketAddress) => Promise<DatagramSocket>;

/**
 * Whether it would change nothing to take the frame `datagram`[`start`, `end`): nobody looked at
 * whom it is from, so nothing may be learnt from it but that.
 */
type FrameFilter = (datagram: Uint8Array, start: number, end: number) => boolean;

/** Who takes frames for a client, and which ones not even to show. */
interface Holder {
  readonly ingress: Ingress;
  readonly isUnwanted: FrameFilter | null;
}

/**
 * A socket that many clients of one process use: what they send in one turn to one replica travels
 * in one datagram, or a few where there are many reads, and so does what a replica answers them in
 * one of its turns. Each has its own frames with its own MACs, so it is as if each had a socket of
 * its own, only cheaper.
 */
export class ClientPort {
  readonly datagrams: DatagramPacker;
  readonly drops: Tally;
  /** When what was submitted and sent in a turn goes out. */
  readonly endOfTurn = new EndOfTurn();
  /** Signs what was submitted in a turn. */
  readonly signer: TurnSigner;
  /** The ticks of all who use it. */
  readonly ticker: SharedTicker;
  readonly #socket: DatagramSocket;
  readonly #helper: SignatureHelper | null;
  /** Those who use it now, by identity; one identity may run several clients. */
  readonly #holders = new Map<ClientId, Set<Holder>>();

  /**
   * @param socket its owner from now on is this port.
   * @param tickMs milliseconds of a tick, 1 and up.
   * @param helper signs with this thread; closed with the port.
   */
  constructor(
    socket: DatagramSocket,
    datagramBytesMax: number,
    tickMs: number,
    helper: SignatureHelper | null = null,
  ) {
    this.#socket = socket;
    this.#helper = helper;
    this.ticker = new SharedTicker(tickMs);
    this.drops = new Tally();
    const { drops, endOfTurn } = this;
    this.signer = new TurnSigner(endOfTurn, helper);
    this.datagrams = new DatagramPacker({
      ...{ socket, datagramBytesMax, drops },
      atEndOfTurn: (flush) => {
        endOfTurn.add(flush);
      },
    });
    socket.receive((bytes, from) => {
      this.#receive(bytes, from);
    });
  }

  /**
   * Hands frames for `client` to `ingress` from now on, until the returned function is called.
   * @param isUnwanted those that need not even be verified; they are not counted as drops.
   */
  attach(client: ClientId, ingress: Ingress, isUnwanted: FrameFilter | null = null): () => void {
    const held = this.#holders.get(client) ?? new Set<Holder>();
    const holder = { ingress, isUnwanted };
    this.#holders.set(client, held.add(holder));
    return () => {
      held.delete(holder);
      if (held.size === 0) this.#holders.delete(client);
    };
  }

  /** Closes the socket, and ends the thread that helps to sign. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#socket.close(), this.#helper?.close()]);
  }

  /** Frames of a datagram may be for several clients; none can make another one miss its own. */
  #receive(datagram: Uint8Array, from: SocketAddress): void {
    let start = 0;
    while (start < datagram.length) {
      const end = endOfFrame(datagram, start);
      const client = clientOfFrame(datagram, start);
      const holders = client === null ? undefined : this.#holders.get(client);
      if (holders !== undefined) handOut(holders, datagram, start, end, from);
      start = end;
    }
  }
}

function handOut(
  holders: ReadonlySet<Holder>,
  datagram: Uint8Array,
  start: number,
  end: number,
  from: SocketAddress,
): void {
  const isWhole = end - start === datagram.length;
  for (const { ingress, isUnwanted } of holders) {
    if (isUnwanted?.(datagram, start, end) === true) continue;
    ingress.receive(isWhole ? datagram : datagram.subarray(start, end), from);
  }
}

/** What a port may be opened with. */
export interface ClientPortOptions {
  /**
   * Whether a thread may help to sign, once 16 clients and more write in one turn. It does not keep
   * the process alive. True if left out; with one processor there is none.
   */
  readonly hasHelper?: boolean;
  /** Opens the socket; a test may put one in between that loses datagrams. */
  readonly openSocket?: SocketOpener;
}

/**
 * Opens a port for clients of the cluster.
 * @throws SocketError when no socket can be opened; Error, if a thread may help, when the
 * cryptography that the environment asks for cannot be had.
 */
export async function openClientPort(
  genesis: Genesis,
  { hasHelper = true, openSocket = openUdpSocket }: ClientPortOptions = {},
): Promise<ClientPort> {
  const isLocal = genesis.replicas.every((replica) => isLoopback(replica.host));
  const isV6 = genesis.replicas.some((replica) => replica.host.includes(":"));
  const anyAddress = isV6 ? "::" : "0.0.0.0";
  const loopback = isV6 ? "::1" : "127.0.0.1";
  // First what may fail and leaves nothing behind: nobody would close the socket.
  const helper = hasHelper && availableParallelism() > 1 ? await helperThread() : null;
  const socket = await openSocket({ address: isLocal ? loopback : anyAddress, port: 0 });
  return new ClientPort(socket, datagramBytesMaxOf(genesis), genesis.settings.tickMs, helper);
}

async function helperThread(): Promise<HelperThread> {
  const { provider } = await loadCrypto(process.env);
  return new HelperThread({
    cryptoName: provider.name,
    publicKeys: [],
    workerUrl: new URL("../workers/signature-worker.js", import.meta.url),
    // Nothing is lost but its help, and the process is the application's.
    onCrash: (cause) => {
      process.emitWarning(`The thread that helps to sign has failed: ${String(cause)}`);
    },
  });
}
