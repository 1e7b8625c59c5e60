/** A word or a quoted text of a line of commands. */
export interface Token {
  /** What it stands for: without quotes, escapes resolved. */
  readonly text: string;
  /** As typed. */
  readonly typed: string;
  readonly quoted: boolean;
  /** Where it starts in the line, in characters, 1 and up. */
  readonly column: number;
}

/** The tokens of one command, and where it stands in its line. */
export interface TokenRun {
  readonly tokens: readonly Token[];
  /** The command as typed, without the space around it. */
  readonly typed: string;
  /** The column right after the last token: where something is missing if something is. */
  readonly columnEnd: number;
}

/** A quoted text that does not end, or ends in the middle of a word. */
interface TokenFault {
  readonly column: number;
  readonly expected: string;
}

const SPACE = /\s/;
/**
 * A comma between digits stays in its word, so that 1,000 is refused as a number, not cut in two.
 */
const WORD = /(?:[^\s,]|(?<=\d),(?=\d))+/y;
/** A text in double or single quotes; a backslash takes the next character as it is. */
const QUOTED = /"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'/suy;
const ESCAPE = /\\(.)/gsu;

/** Cuts a line at its commas and spaces, except inside quotes. Empty commands are left out. */
export function tokenize(line: string): readonly TokenRun[] | TokenFault {
  const runs: TokenRun[] = [];
  let tokens: Token[] = [];
  let offset = 0;
  while (offset < line.length) {
    const character = line.charAt(offset);
    if (character === ",") {
      addRun(runs, line, tokens);
      tokens = [];
      offset += 1;
    } else if (SPACE.test(character)) {
      offset += 1;
    } else {
      const token = tokenAt(line, offset);
      if (!("text" in token)) return token;
      tokens.push(token);
      offset += token.typed.length;
    }
  }
  addRun(runs, line, tokens);
  return runs;
}

function addRun(runs: TokenRun[], line: string, tokens: readonly Token[]): void {
  const first = tokens[0];
  const last = tokens.at(-1);
  if (first === undefined || last === undefined) return;
  const columnEnd = last.column + last.typed.length;
  runs.push({ tokens, typed: line.slice(first.column - 1, columnEnd - 1), columnEnd });
}

function tokenAt(line: string, offset: number): Token | TokenFault {
  const column = offset + 1;
  const character = line.charAt(offset);
  if (character !== '"' && character !== "'") {
    const typed = matchAt(WORD, line, offset)?.[0] ?? "";
    return { text: typed, typed, quoted: false, column };
  }
  const match = matchAt(QUOTED, line, offset);
  if (match === null) return { column, expected: `a closing ${character} for this one` };
  const [typed, double, single] = match;
  const after = line.charAt(offset + typed.length);
  if (after !== "" && after !== "," && !SPACE.test(after)) {
    return { column: column + typed.length, expected: "a space or a comma after the quoted text" };
  }
  const text = (double ?? single ?? "").replace(ESCAPE, "$1");
  return { text, typed, quoted: true, column };
}

function matchAt(pattern: RegExp, line: string, offset: number): RegExpExecArray | null {
  pattern.lastIndex = offset;
  return pattern.exec(line);
}

/** Keywords whose value a shell has freed of its quotes. */
const TEXT_KEYWORD = /^(?:name|address)$/i;

/**
 * The line that the arguments of a process mean. The shell has taken their quotes away, so an
 * argument with spaces is either the text after `name` or `address`, or a line of its own.
 */
export function lineOfArguments(words: readonly string[]): string {
  let line = "";
  let previous = { word: "", isLine: false };
  for (const word of words) {
    const isQuoted = /^["']/.test(word);
    const isText = TEXT_KEYWORD.test(previous.word) && !isQuoted;
    const isLine = !isText && !isQuoted && SPACE.test(word.trim());
    const gap = isLine || previous.isLine ? ", " : " ";
    line += (line === "" ? "" : gap) + (isText ? quoteArgument(word) : word);
    previous = { word, isLine };
  }
  return line;
}

/** A comma at the end of a text belongs to the line: `name "Wei Qin", get A`. */
function quoteArgument(word: string): string {
  const text = word.replace(/,+$/, "");
  return quote(text) + word.slice(text.length);
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
