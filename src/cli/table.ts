import Table from "cli-table3";

/** A table for the terminal: lines drawn with box characters, no colours, no newline at the end. */
export function renderTable(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const table = new Table({ head: [...heads], style: { head: [], border: [], compact: true } });
  table.push(...rows.map((row) => [...row]));
  return table.toString();
}

/** Columns of most terminals, and of a text that is pasted somewhere. */
const COLUMNS_MAX = 100;

/**
 * The same, turned on its side if it is wider than a terminal: then each row becomes a column, with
 * the heads before them.
 */
export function renderNarrow(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const upright = renderTable(heads, rows);
  const [firstLine = ""] = upright.split("\n");
  if (firstLine.length <= COLUMNS_MAX) return upright;
  const [title = "", ...names] = heads;
  const titles = rows.map((row) => row[0] ?? "");
  const lines = names.map((name, index) => [name, ...rows.map((row) => row[index + 1] ?? "")]);
  return renderTable([title, ...titles], lines);
}
