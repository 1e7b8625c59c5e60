/** Values that replace drawn ones, nested as the options are; an array replaces a whole array. */
export type Changes = Readonly<Record<string, unknown>>;

/** `options` with `changes`. @throws Error for a change of what the options do not have. */
export function changed<Options extends object>(options: Options, changes: Changes): Options {
  const values = Object.entries(options) as [string, unknown][];
  const known = new Set(values.map(([name]) => name));
  for (const name of Object.keys(changes)) {
    if (!known.has(name)) throw new Error(`a run has no option ${name}`);
  }
  const entries = values.map(([name, value]): [string, unknown] => {
    const change = changes[name];
    if (change === undefined) return [name, value];
    return [name, isRecord(value) && isRecord(change) ? changed(value, change) : change];
  });
  return Object.fromEntries(entries) as Options;
}

/** Both changes, the second one on top. */
export function merged(first: Changes, second: Changes): Changes {
  const both: Record<string, unknown> = { ...first };
  for (const [name, change] of Object.entries(second)) {
    const before = both[name];
    both[name] = isRecord(before) && isRecord(change) ? merged(before, change) : change;
  }
  return both;
}

/** Whether a value has options of its own. */
export function isRecord(value: unknown): value is Changes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
