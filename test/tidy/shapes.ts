import ts from "typescript";
import type { Rule } from "./rule.js";
import type { Source } from "./source.js";

/** Most lines of one file: what a reviewer reads in one sitting. */
const FILE_LINES_MAX = 500;

/** Most lines of one function, signature and braces included: what fits one screen. */
const FUNCTION_LINES_MAX = 70;

/** No file is too long to read. */
export const fileSizes: Rule = {
  name: `no file is longer than ${FILE_LINES_MAX} lines`,
  *check(tree) {
    for (const { path, text } of tree.sources()) {
      const lineCount = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
      if (lineCount <= FILE_LINES_MAX) continue;
      yield { path, line: 1, message: `${lineCount} lines: split it where it has two subjects` };
    }
  },
};

/** No function is too long to read. */
export const functionSizes: Rule = {
  name: `no function is longer than ${FUNCTION_LINES_MAX} lines`,
  *check(tree) {
    for (const source of tree.sources()) {
      for (const node of source.nodes) {
        if (!isFunctionWithBody(node) || isGroupOfTests(node)) continue;
        const { first, last } = source.linesOf(node);
        const lineCount = last - first + 1;
        if (lineCount <= FUNCTION_LINES_MAX) continue;
        const message = `${nameOf(node)} has ${lineCount} lines: name its steps and call them`;
        yield { path: source.path, line: first, message };
      }
    }
  },
};

/** No `catch` swallows what it caught without a word. */
export const emptyCatches: Rule = {
  name: "no error is swallowed without a reason",
  *check(tree) {
    for (const source of tree.sources()) {
      for (const node of source.nodes) {
        if (!ts.isCatchClause(node) || !isSilent(node, source)) continue;
        const message = "empty catch: handle the error, or say in a comment why it is harmless";
        yield { path: source.path, line: source.lineOf(node), message };
      }
    }
  },
};

function isSilent(node: ts.CatchClause, source: Source): boolean {
  const { pos, end } = node.block;
  return node.block.statements.length === 0 && !/\/[/*]/.test(source.text.slice(pos, end));
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

/** Whether it is the callback of `describe` or `suite`: a folder of tests, not a function. */
function isGroupOfTests(node: ts.Node): boolean {
  const call = node.parent;
  return ts.isCallExpression(call) && /^(?:describe|suite)\b/.test(call.expression.getText());
}

function nameOf(node: ts.FunctionLikeDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return "the constructor";
  return node.name === undefined ? "the function" : `\`${node.name.getText()}\``;
}
