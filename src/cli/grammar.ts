import { assert, unreachable } from "../core/base/assert.js";
import type { LedgerOperation } from "../core/ledger/operation.js";
import type { SyntaxFault } from "./command-cursor.js";
import { CommandCursor, faultAt } from "./command-cursor.js";
import { tokenize } from "./tokens.js";

/** The whole grammar, for people: what `help` prints. */
export const GRAMMAR_HELP = `Keywords in any case, several commands on a line separated by commas:
  get A | balance A | get current balance for A
  deposit $100 to A | deposit A 100
  withdraw $100 from B | withdraw B 100
  move $100 from B to A | move B A 100
  open D [name "Michael Chen"] [address "1 Main St"] [balance $100]
  retry   asks again for the oldest outcome that is not known, without applying anything twice
  help    prints this
  quit    ends`;

/** What a command asks of the client program itself. */
type SessionWord = "help" | "retry" | "quit";

/** What a command asks for. */
type Action = LedgerOperation | { readonly kind: SessionWord };

/** A command that could be parsed. */
export interface Command {
  /** As typed. */
  readonly typed: string;
  readonly action: Action;
}

/** The commands of a line in order, or its first fault: a line with a fault does nothing at all. */
type ParsedLine =
  | { readonly commands: readonly Command[]; readonly fault: null }
  | { readonly commands: null; readonly fault: SyntaxFault };

/** Longest line that is looked at, in characters. */
const LINE_LENGTH_MAX = 65_536;

/** Parses one line of commands. Never throws. */
export function parseLine(line: string): ParsedLine {
  if (line.length > LINE_LENGTH_MAX) {
    const expected = `a line of at most ${LINE_LENGTH_MAX} characters`;
    return refused(
      faultAt("", "syntax", LINE_LENGTH_MAX + 1, expected, line.slice(LINE_LENGTH_MAX)),
    );
  }
  const runs = tokenize(line);
  if ("expected" in runs) {
    const { column, expected } = runs;
    return refused(faultAt(line.trim(), "syntax", column, expected, line.slice(column - 1)));
  }
  const commands: Command[] = [];
  for (const run of runs) {
    const cursor = new CommandCursor(run);
    const action = parseCommand(cursor);
    cursor.end();
    if (cursor.fault !== null) return refused(cursor.fault);
    assert(action !== null, "a command without a fault has an action");
    commands.push({ typed: run.typed, action });
  }
  return { commands, fault: null };
}

function refused(fault: SyntaxFault): ParsedLine {
  return { commands: null, fault };
}

function parseCommand(cursor: CommandCursor): Action | null {
  const verb = cursor.verb();
  switch (verb) {
    case "get":
      return parseGet(cursor);
    case "balance":
      return { kind: "get", account: cursor.account() };
    case "deposit":
      return { kind: "deposit", ...parseChange(cursor, "to") };
    case "withdraw":
      return { kind: "withdraw", ...parseChange(cursor, "from") };
    case "move":
      return parseMove(cursor);
    case "open":
      return parseOpen(cursor);
    case "help":
    case "retry":
    case "quit":
      return { kind: verb };
    case null:
      return null;
    default:
      return unreachable(verb);
  }
}

function parseGet(cursor: CommandCursor): Action {
  if (cursor.isKeyword(0, "current") && cursor.has(1)) {
    cursor.keyword("current");
    cursor.keyword("balance");
    cursor.keyword("for");
  }
  return { kind: "get", account: cursor.account() };
}

function parseChange(cursor: CommandCursor, preposition: "to" | "from") {
  if (!isAmountFirst(cursor, preposition, 1)) {
    return { account: cursor.account(), amount: cursor.amount() };
  }
  const amount = cursor.amount();
  cursor.keyword(preposition);
  return { account: cursor.account(), amount };
}

function parseMove(cursor: CommandCursor): Action {
  if (!isAmountFirst(cursor, "from", 2)) {
    const source = cursor.account();
    return { kind: "move", source, target: cursor.account(), amount: cursor.amount() };
  }
  const amount = cursor.amount();
  cursor.keyword("from");
  const source = cursor.account();
  cursor.keyword("to");
  return { kind: "move", source, target: cursor.account(), amount };
}

/**
 * Which of the two forms is meant. Digits may name an account, so the preposition decides; where it
 * was forgotten, the form that explains more of what was typed gives the better message.
 */
function isAmountFirst(cursor: CommandCursor, preposition: string, amountIndex: number): boolean {
  if (cursor.isKeyword(1, preposition) || cursor.hasSign(0)) return true;
  return cursor.isAmountLike(0) && cursor.has(amountIndex) && !cursor.isAmountLike(amountIndex);
}

function parseOpen(cursor: CommandCursor): Action {
  const account = cursor.account();
  const clauses = { name: "", address: "", balance: 0n };
  const left = new Set<keyof typeof clauses>(["name", "address", "balance"]);
  for (let clause = cursor.oneOf(left); clause !== null; clause = cursor.oneOf(left)) {
    left.delete(clause);
    if (clause === "balance") clauses.balance = cursor.amount();
    else clauses[clause] = cursor.shortText(clause);
  }
  return { kind: "open", account, ...clauses };
}
