import ts from "typescript";
import { type Export, type Import, exportsOf, importsOf, lineAt } from "./modules.js";

/** A stretch of lines, both ends included. */
interface Lines {
  readonly first: number;
  readonly last: number;
}

/** A TypeScript file, parsed, with the questions that the rules ask of it. */
export class Source {
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /**
   * The text without the insides of comments, strings and regular expressions; lines stay in place.
   */
  readonly code: string;
  /** Every node of the syntax tree, parents first. */
  readonly nodes: readonly ts.Node[];
  readonly #file: ts.SourceFile;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    this.lines = text.split("\n");
    this.#file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
    this.nodes = nodesOf(this.#file);
    this.imports = importsOf(path, this.nodes);
    this.exports = exportsOf(this.#file);
    this.code = codeOnly(this.#file);
  }

  /** Line on which `node` starts, 1 and up, its comments aside. */
  lineOf(node: ts.Node): number {
    return lineAt(this.#file, node.getStart(this.#file));
  }

  /** From the first to the last line of `node`, its comments aside. */
  linesOf(node: ts.Node): Lines {
    return { first: this.lineOf(node), last: lineAt(this.#file, node.getEnd()) };
  }

  /** String literals, wherever they stand, with their lines. */
  strings(): { readonly text: string; readonly line: number }[] {
    return this.nodes
      .filter((node) => ts.isStringLiteralLike(node))
      .map((node) => ({ text: node.text, line: this.lineOf(node) }));
  }
}

function nodesOf(file: ts.SourceFile): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    node.forEachChild(visit);
  };
  visit(file);
  return found;
}

/** The file with everything blanked that is neither keyword, name, number nor punctuation. */
function codeOnly(file: ts.SourceFile): string {
  const parts: string[] = [];
  let end = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(file);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }
    const start = node.getStart(file);
    const text = file.text.slice(start, node.getEnd());
    parts.push(blank(file.text.slice(end, start)), isText(node) ? blank(text) : text);
    end = node.getEnd();
  };
  visit(file);
  return parts.join("");
}

function isText(node: ts.Node): boolean {
  if (ts.isStringLiteralLike(node) || ts.isRegularExpressionLiteral(node)) return true;
  return ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}
