/**
 * The world's fault: a file of the cluster can't be used. The message says which, why, what to do.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}
