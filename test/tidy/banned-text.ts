import type { Rule } from "./rule.js";

/** Something that no line may hold, comments and strings included. */
interface Ban {
  readonly name: string;
  /** Which files it is about. */
  readonly where: RegExp;
  /** Written so that it does not match itself. */
  readonly pattern: RegExp;
  /** What to do instead. */
  readonly instead: string;
}

const CODE = /\.(?:ts|js|sql|sh)$|^\.ci\//;

const BANS: readonly Ban[] = [
  {
    name: "nothing is left to do in a comment",
    where: CODE,
    pattern: /\b(?:T[O]DO|F[I]XME|X[X]X)\b/,
    instead: "do it now, or open an issue and leave the code complete without it",
  },
  {
    name: "no check is switched off for a line",
    where: /\.ts$/,
    pattern: /eslint[-]disable|@ts[-](?:ignore|nocheck)/,
    instead: "change the code, or change the rule for everyone",
  },
  {
    name: "no path of one machine is written down",
    where: /\.(?:ts|js|json|md|sql|sh|ya?ml)$|^\.ci\//,
    pattern: /(?<![\w.}])\/(?:work|tmp|home|root)\//,
    instead: "take the folder as a parameter, or `mkdtemp` under `os.tmpdir()`",
  },
  {
    name: "no line of code is longer than 100 columns",
    where: CODE,
    pattern: /^.{101,}$/u,
    instead: "break it; prettier leaves comments and strings alone",
  },
];

/** One rule for each ban. */
export const bannedText: readonly Rule[] = BANS.map((ban) => ({
  name: ban.name,
  *check(tree) {
    for (const [path, text] of tree.texts) {
      if (!ban.where.test(path) || path.startsWith("dist/")) continue;
      for (const [index, line] of text.split("\n").entries()) {
        const match = ban.pattern.exec(line);
        if (match === null) continue;
        const found = match[0].length > 40 ? `${match[0].length} columns` : match[0];
        yield { path, line: index + 1, message: `\`${found}\`: ${ban.instead}` };
      }
    }
  },
}));
