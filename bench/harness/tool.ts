import type { CommandInput } from "../../src/cli/command.js";

/** A figure, or a word that says what it is a figure of. Units are in the names. */
export type Figures = Readonly<Record<string, number | string>>;

/** One option of a tool; all take a value. */
interface ToolOption {
  readonly name: string;
  readonly fallback: string;
  readonly summary: string;
}

/** What a tool found out. */
export interface ToolResult {
  /** What it ran with, beyond what every line of the history says. */
  readonly settings: Figures;
  /** One table row each; rows of one tool may differ in their columns. */
  readonly rows: readonly Figures[];
}

/** One measurement of `npm run bench`. It boots what it needs and leaves nothing behind. */
export interface BenchTool {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly ToolOption[];
  /** @param note takes a line about what happens, while it happens. */
  run(input: CommandInput, note: (line: string) => void): Promise<ToolResult>;
}
