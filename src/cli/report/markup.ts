/** Text that is HTML or SVG already. Made by `markup` only, so that nothing unescaped gets in. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What a template may hold: text and numbers are escaped, markup is not, lists are joined. */
type MarkupPart = string | number | Markup | readonly Markup[];

/** Builds markup from a template literal; every plain value in it is escaped. */
export function markup(fixed: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  let text = fixed[0] ?? "";
  for (const [index, part] of parts.entries()) {
    text += textOf(part) + (fixed[index + 1] ?? "");
  }
  return new Markup(text);
}

function textOf(part: MarkupPart): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === "object") return part.map((item) => item.text).join("\n");
  return escapeText(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
