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
