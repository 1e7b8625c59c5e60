import {
  ACCOUNT_BYTES_MAX,
  ADDRESS_BYTES_MAX,
  BALANCE_MAX,
  NAME_BYTES_MAX,
} from "../core/ledger/account-row.js";
import { encodePlainText } from "../core/base/plain-text.js";
import { formatMoney, parseMoney } from "../io/money.js";
import type { Token, TokenRun } from "./tokens.js";

/** Why a line could not be parsed. `code` tells scripts what kind of thing is wrong. */
export interface SyntaxFault {
  /** The command with the fault, as typed; the whole line when its quotes do not match. */
  readonly typed: string;
  readonly code: "unknown-command" | "bad-amount" | "bad-account" | "syntax";
  /** Where in the line, in characters, 1 and up. */
  readonly column: number;
  readonly message: string;
}

/** The words that a command may start with. */
const VERBS = [
  "get",
  "balance",
  "deposit",
  "withdraw",
  "move",
  "open",
  "help",
  "retry",
  "quit",
] as const;
type Verb = (typeof VERBS)[number];

const AMOUNT = `an amount above 0 and up to ${formatMoney(BALANCE_MAX)}, such as $100 or 12.50`;

interface TextRule {
  readonly code: SyntaxFault["code"];
  readonly expected: string;
  /** Bounds of its UTF-8, both included. */
  readonly bytesMin: number;
  readonly bytesMax: number;
  /** What a text without quotes may not hold. */
  readonly onlyQuoted: RegExp;
}

const ACCOUNT: TextRule = {
  code: "bad-account",
  expected: "an account (quoted if it holds spaces, commas or starts with $)",
  bytesMin: 1,
  bytesMax: ACCOUNT_BYTES_MAX,
  onlyQuoted: /^\$|,/,
};

const NAME: TextRule = {
  code: "syntax",
  expected: "a name (quoted if it holds spaces or commas)",
  bytesMin: 0,
  bytesMax: NAME_BYTES_MAX,
  onlyQuoted: /,/,
};

const ADDRESS: TextRule = {
  ...NAME,
  expected: "an address (quoted if it holds spaces or commas)",
  bytesMax: ADDRESS_BYTES_MAX,
};

/**
 * Reads the tokens of one command in order. Keeps the first fault and goes on with empty values, so
 * that the rules above need no branch for it: whoever holds a cursor looks at `fault` at the end.
 */
export class CommandCursor {
  fault: SyntaxFault | null = null;
  readonly #run: TokenRun;
  #index = 0;

  constructor(run: TokenRun) {
    this.#run = run;
  }

  has(ahead: number): boolean {
    return this.#peek(ahead) !== undefined;
  }

  isKeyword(ahead: number, word: string): boolean {
    const token = this.#peek(ahead);
    return token !== undefined && !token.quoted && token.text.toLowerCase() === word;
  }

  isAmountLike(ahead: number): boolean {
    const token = this.#peek(ahead);
    return token !== undefined && !token.quoted && /^\$?[\d.,]+$/.test(token.text);
  }

  hasSign(ahead: number): boolean {
    return this.#peek(ahead)?.typed.startsWith("$") ?? false;
  }

  verb(): Verb | null {
    const verb = this.oneOf(new Set(VERBS));
    if (verb === null) this.#fail("unknown-command", `a command (${VERBS.join(", ")})`);
    return verb;
  }

  /** The keyword of `words` that comes next, or null if none does. */
  oneOf<T extends string>(words: ReadonlySet<T>): T | null {
    for (const word of words) {
      if (!this.isKeyword(0, word)) continue;
      this.#index += 1;
      return word;
    }
    return null;
  }

  keyword(word: string): void {
    if (this.isKeyword(0, word)) this.#index += 1;
    else this.#fail("syntax", `"${word}"`);
  }

  account(): string {
    return this.#text(ACCOUNT);
  }

  shortText(clause: "name" | "address"): string {
    return this.#text(clause === "name" ? NAME : ADDRESS);
  }

  amount(): bigint {
    const token = this.#take(AMOUNT);
    if (token === null) return 0n;
    const amount = token.quoted ? null : parseMoney(token.text.replace(/^\$/, ""));
    if (amount !== null && amount > 0n) return amount;
    const hint = /\d,\d/.test(token.text) ? ` (without thousands separators)` : "";
    this.#fail("bad-amount", AMOUNT + hint, token);
    return 0n;
  }

  end(): void {
    if (this.has(0)) this.#fail("syntax", "a comma or the end of the line");
  }

  #text({ code, expected, bytesMin, bytesMax, onlyQuoted }: TextRule): string {
    const sized = `${expected}, ${bytesMin} to ${bytesMax} bytes`;
    const token = this.#take(sized);
    if (token === null) return "";
    const bytes = encodePlainText(token.text);
    const fits = bytes !== null && bytes.length >= bytesMin && bytes.length <= bytesMax;
    if (fits && (token.quoted || !onlyQuoted.test(token.text))) return token.text;
    this.#fail(code, sized, token);
    return "";
  }

  #peek(ahead: number): Token | undefined {
    return this.#run.tokens[this.#index + ahead];
  }

  #take(expected: string): Token | null {
    const token = this.#peek(0);
    if (token === undefined) this.#fail("syntax", expected);
    this.#index += 1;
    return token ?? null;
  }

  #fail(code: SyntaxFault["code"], expected: string, token = this.#peek(0)): void {
    const column = token?.column ?? this.#run.columnEnd;
    this.fault ??= faultAt(this.#run.typed, code, column, expected, token?.typed ?? null);
  }
}

const EXCERPT_LENGTH_MAX = 40;

/**
 * A fault at `column`, put into words; `found` is what stands there, null for the command's end.
 */
export function faultAt(
  typed: string,
  code: SyntaxFault["code"],
  column: number,
  expected: string,
  found: string | null,
): SyntaxFault {
  const shown = found === null ? "the end of the command" : excerpt(found);
  const message = `column ${column}: expected ${expected}; found ${shown}`;
  return { typed, code, column, message };
}

function excerpt(text: string): string {
  if (text.length <= EXCERPT_LENGTH_MAX) return JSON.stringify(text);
  return `${JSON.stringify(text.slice(0, EXCERPT_LENGTH_MAX))}…`;
}
