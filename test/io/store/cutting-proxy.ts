import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import type { MysqlAddress } from "../../../src/io/mysql-address.js";

/** What happens to the next COMMIT that passes. */
type Cut =
  /** The server never sees it. */
  | "before"
  /** The server does it, and its client never hears. */
  | "after";

/** The driver sends a COMMIT as a text query: length, packet number 0, COM_QUERY, the text. */
const COMMIT_PACKET = Buffer.from([7, 0, 0, 0, 3, ...Buffer.from("COMMIT")]);

/** Stands between a store and its server, and cuts their connection where it hurts. */
export class CuttingProxy {
  readonly #target: MysqlAddress;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut: Cut | null = null;
  /** Whether nothing passes, though nobody is told: a hang. */
  #isHanging = false;
  /** Connections that were cut at a COMMIT. */
  cutCount = 0;

  private constructor(target: MysqlAddress) {
    this.#target = target;
    this.#server = createServer((client) => {
      this.#join(client);
    });
  }

  /** Listens on a free port of loopback, for the server at `target`. */
  static async open(target: MysqlAddress): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** The server's address by way of this proxy. */
  get address(): MysqlAddress {
    const { port } = this.#server.address() as AddressInfo;
    return { ...this.#target, socketPath: null, host: "127.0.0.1", port };
  }

  /** Cuts the connection that sends the next COMMIT. */
  cutNextCommit(cut: Cut): void {
    this.#cut = cut;
  }

  /** Lets nothing pass any more, or lets pass again what comes from now on. */
  hang(isHanging: boolean): void {
    this.#isHanging = isHanging;
    if (!isHanging) this.#endAll();
  }

  /** Ends all connections. */
  #endAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.#endAll();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(client: Socket): void {
    const { socketPath, host, port } = this.#target;
    const server = socketPath === null ? connect(port, host) : connect(socketPath);
    const end = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on("error", end);
      socket.on("close", () => {
        this.#sockets.delete(socket);
        end();
      });
    }
    let isCommitting = false;
    client.on("data", (bytes) => {
      if (this.#isHanging) return;
      const cut = bytes.includes(COMMIT_PACKET) ? this.#cut : null;
      if (cut !== null) {
        this.#cut = null;
        this.cutCount += 1;
      }
      if (cut === "before") end();
      else server.write(bytes);
      isCommitting ||= cut === "after";
    });
    server.on("data", (bytes) => {
      if (isCommitting) end();
      else if (!this.#isHanging) client.write(bytes);
    });
  }
}
