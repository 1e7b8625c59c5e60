import type { Rule } from "./rule.js";

/** Something that no line of code may hold. Comments and strings may speak of it. */
interface Ban {
  readonly name: string;
  /** Which files it is about. */
  readonly where: RegExp;
  readonly pattern: RegExp;
  /** What to do instead. */
  readonly instead: string;
}

const ANYWHERE = /\.ts$/;
const CORE = /^src\/core\//;

/** What types cannot see: the lib of the language knows these even where Node is out of sight. */
const BANS: readonly Ban[] = [
  {
    name: "the core reads no clock",
    where: CORE,
    pattern: /\b(?:Date|performance|Temporal)\b/,
    instead: "count ticks: time comes in as a `ticked` event",
  },
  {
    name: "the core draws no random numbers",
    where: CORE,
    pattern: /\bMath\s*\.\s*random\b|\bgetRandomValues\b/,
    instead: "the protocol needs none; take the value as a parameter",
  },
  {
    name: "the core never waits",
    where: CORE,
    pattern: /\b(?:async|await|queueMicrotask|setTimeout|setInterval|setImmediate)\b/,
    instead: "return an effect and take the answer as an event",
  },
  {
    name: "the core makes no promise",
    where: CORE,
    pattern: /\bPromise\s*(?:\.|\()/,
    instead: "return an effect and take the answer as an event",
  },
  {
    name: "the core encodes bytes, not JSON",
    where: CORE,
    pattern: /\bJSON\s*\./,
    instead: "encode with core/wire: JSON has no canonical form",
  },
  {
    name: "the core does not depend on the machine's language, memory or environment",
    where: CORE,
    pattern:
      /\b(?:Intl|toLocale\w*|localeCompare|WeakRef|FinalizationRegistry|globalThis|process)\b/,
    instead: "the same events must give the same effects on every machine",
  },
  {
    name: "nothing is of type any",
    where: ANYWHERE,
    pattern: /(?:[:<|&,(]|\bas|=>)\s*any\b/,
    instead: "name the type, or take `unknown` and narrow it",
  },
  {
    name: "no test runs alone",
    where: /^test\//,
    pattern: /\.only\s*\(|\bonly\s*:\s*true\b/,
    instead: "it silences all the others: pass a filter to `npm test -- FILTER`",
  },
];

/** One rule for each ban. */
export const bannedCode: readonly Rule[] = BANS.map((ban) => ({
  name: ban.name,
  *check(tree) {
    for (const source of tree.sources().filter(({ path }) => ban.where.test(path))) {
      for (const [index, line] of source.code.split("\n").entries()) {
        const match = ban.pattern.exec(line);
        if (match === null) continue;
        const message = `\`${match[0].trim()}\`: ${ban.instead}`;
        yield { path: source.path, line: index + 1, message };
      }
    }
  },
}));
