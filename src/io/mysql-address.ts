import { isAbsolute } from "node:path";

/** Where a MySQL or MariaDB server is, and as whom to use it. */
export interface MysqlAddress {
  readonly user: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  /** A Unix socket of the server, used instead of host and port; null for none. */
  readonly socketPath: string | null;
  /** Every replica's schema has this name, an underscore and the replica's id. */
  readonly prefix: string;
  /** Null: the connection is not encrypted. */
  readonly tls: MysqlTls | null;
}

/** How the server proves who it is. */
interface MysqlTls {
  /** File of the authority that signed its certificate; null: those that Node.js knows. */
  readonly caPath: string | null;
  /** What this client proves itself with; null for nothing. */
  readonly certPath: string | null;
  readonly keyPath: string | null;
}

const PORT_DEFAULT = 3306;

/** Room for an underscore and an id in the 64 characters of a schema's name. */
const PATH_PATTERN = /^\/\w{1,48}$/;

const PARAMETERS = ["socket", "tls", "ca", "cert", "key"] as const;

/**
 * What `url` says: `mysql://user:password@host:port/prefix`, then `?tls=on`, `&ca=FILE`,
 * `&cert=FILE&key=FILE` or `?socket=FILE`. User and password are percent-encoded.
 * @returns null when it is not of this form.
 */
export function parseMysqlUrl(url: string): MysqlAddress | null {
  if (!URL.canParse(url)) return null;
  const parsed = new URL(url);
  const { protocol, hostname, port, pathname, searchParams, hash } = parsed;
  if (protocol !== "mysql:" || hostname === "" || hash !== "") return null;
  if (!PATH_PATTERN.test(pathname)) return null;
  const parameters = parametersOf(searchParams);
  const user = decoded(parsed.username);
  const password = decoded(parsed.password);
  if (parameters === null || user === null || password === null) return null;
  const tls = tlsOf(parameters);
  if (tls === "invalid") return null;
  return {
    ...{ user, password, tls },
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? PORT_DEFAULT : Number(port),
    socketPath: parameters.get("socket") ?? null,
    prefix: pathname.slice(1),
  };
}

/** The known parameters, each given once; null when there is anything else. */
function parametersOf(given: URLSearchParams): ReadonlyMap<string, string> | null {
  const parameters = new Map(given);
  if (parameters.size !== [...given].length) return null;
  const known = (name: string): boolean => PARAMETERS.some((each) => each === name);
  if (![...parameters.keys()].every(known)) return null;
  const paths = [...parameters].filter(([name]) => name !== "tls").map(([, path]) => path);
  // Replicas run in whatever directory; a relative path would mean another file in each.
  return paths.every((path) => isAbsolute(path)) ? parameters : null;
}

function tlsOf(parameters: ReadonlyMap<string, string>): MysqlTls | null | "invalid" {
  const [tls, ca, cert, key] = ["tls", "ca", "cert", "key"].map((name) => parameters.get(name));
  if ((cert === undefined) !== (key === undefined)) return "invalid";
  const hasFiles = ca !== undefined || cert !== undefined;
  if (tls === "off" || tls === undefined) return hasFiles ? "invalid" : null;
  if (tls !== "on") return "invalid";
  return { caPath: ca ?? null, certPath: cert ?? null, keyPath: key ?? null };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
