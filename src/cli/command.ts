/*
 * What a command of the command line is, told apart from the library that parses the command line.
 */

/** What every command ends with: 0 done, 1 the operation failed, 2 wrong usage. */
export type ExitStatus = 0 | 1 | 2;

/** One `--option` of a command. */
export interface OptionDescription {
  /** As usage shows it: "--json" is a flag, "--port <number>" takes a value. */
  readonly flags: string;
  readonly summary: string;
  /** The value when the option is not given; none for a flag. */
  readonly fallback?: string;
  /** What this program says to itself only: not in its help. */
  readonly isInternal?: boolean;
}

/** Where a command says things: results on standard output, everything else on standard error. */
export interface Output {
  /** One line of result. */
  result(line: string): void;
  /** One line of progress, or the reason of a failure. */
  note(line: string): void;
}

/** One command, as plain data and the function that runs it. */
export interface CommandDescription {
  readonly name: string;
  readonly summary: string;
  /**
   * As usage shows them: "<dir>" is required, "[command...]" takes any number. Name and summary.
   */
  readonly positionals: readonly (readonly [name: string, summary: string])[];
  readonly options: readonly OptionDescription[];
  /** Command lines that work, without the name of the program. */
  readonly examples: readonly string[];
  /** More for its help, after the options and before the examples. */
  readonly notes?: string;
  /** Commands of its own, each in place of its positionals. */
  readonly subcommands?: readonly CommandDescription[];
  /** Runs to the end. Throws `UsageError`, or an error that `sentenceFor` knows. */
  run(input: CommandInput, output: Output): Promise<ExitStatus>;
}

/**
 * The caller's fault: options or arguments that make no sense. The message says what is expected.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The largest port there is. */
export const PORT_MAX = 65_535;

const WHOLE_NUMBER_PATTERN = /^\d{1,15}$/;
const DECIMAL_PATTERN = /^\d{1,9}(\.\d{1,6})?$/;

/** What was typed after the command's name: texts, checked when they are asked for. */
export class CommandInput {
  /** The arguments that are no options, in order. */
  readonly positionals: readonly string[];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(positionals: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.positionals = positionals;
    this.#options = options;
  }

  /** The first positional: the directory of the cluster. */
  get directory(): string {
    const [directory] = this.positionals;
    if (directory === undefined || directory === "") throw new UsageError("DIR must not be empty");
    return directory;
  }

  /** The positionals after the directory. */
  get rest(): readonly string[] {
    return this.positionals.slice(1);
  }

  /** Whether the flag `--name` was given. */
  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  /** The value of `--name`, or null when it was not given and has no fallback. */
  text(name: string): string | null {
    const value = this.#options[name];
    return typeof value === "string" ? value : null;
  }

  /**
   * The value of `--name`, a whole number from `min` to `max`, both included.
   * @throws UsageError when it is missing or anything else.
   */
  wholeNumber(name: string, min: number, max: number): number {
    return this.#number(name, WHOLE_NUMBER_PATTERN, "a whole number", min, max);
  }

  /**
   * The value of `--name`, a number with or without decimals from `min` to `max`, both included.
   * @throws UsageError when it is missing or anything else.
   */
  decimal(name: string, min: number, max: number): number {
    return this.#number(name, DECIMAL_PATTERN, "a number", min, max);
  }

  #number(name: string, pattern: RegExp, kind: string, min: number, max: number): number {
    const written = this.text(name) ?? "";
    const value = Number(written);
    if (pattern.test(written) && value >= min && value <= max) return value;
    const expected = `${kind} from ${min} to ${max}`;
    const found = written === "" ? "it is missing" : `not "${written}"`;
    throw new UsageError(`--${name} must be ${expected}, ${found}`);
  }
}
