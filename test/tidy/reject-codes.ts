import ts from "typescript";
import type { Rule } from "./rule.js";
import type { Source } from "./source.js";
import type { Tree } from "./tree.js";

/** The unions of string literals that name why a message was refused. */
const UNIONS = [
  { path: "src/core/pbft/reject.ts", type: "RejectCode" },
  { path: "src/core/wire/reject.ts", type: "WireReject" },
] as const;

/** Each guard has a test that shows what it guards against: its code is the mark. */
export const rejectCodes: Rule = {
  name: "every reject code is returned by a guard and met by a test",
  *check(tree) {
    for (const union of UNIONS) {
      if (!tree.texts.has(union.path)) continue;
      const codes = codesOf(tree.source(union.path), union.type);
      if (codes.length === 0) {
        yield {
          path: union.path,
          line: 1,
          message: `holds no union \`${union.type}\` of literals`,
        };
      }
      const returned = stringsIn(tree, (path) => path.startsWith("src/") && path !== union.path);
      const tested = stringsIn(tree, (path) => /^test\/(?!tidy\/)/.test(path));
      for (const { code, line } of codes) {
        if (!returned.has(code)) {
          yield { path: union.path, line, message: `no guard returns "${code}": remove it` };
        }
        if (!tested.has(code)) {
          yield { path: union.path, line, message: `no test meets "${code}": write one` };
        }
      }
    }
  },
};

/**
 * The members of the union called `type`, and those of the unions in the same file it is made of.
 */
function codesOf(source: Source, type: string): { readonly code: string; readonly line: number }[] {
  const declared = source.nodes.filter((node) => ts.isTypeAliasDeclaration(node));
  const alias = declared.find((node) => node.name.text === type);
  if (alias === undefined) return [];
  const members = ts.isUnionTypeNode(alias.type) ? [...alias.type.types] : [alias.type];
  return members.flatMap((member) => {
    if (ts.isTypeReferenceNode(member)) return codesOf(source, member.typeName.getText());
    if (!ts.isLiteralTypeNode(member) || !ts.isStringLiteral(member.literal)) return [];
    return [{ code: member.literal.text, line: source.lineOf(member) }];
  });
}

function stringsIn(tree: Tree, belongs: (path: string) => boolean): Set<string> {
  const sources = tree.sources().filter(({ path }) => belongs(path));
  return new Set(sources.flatMap((source) => source.strings().map(({ text }) => text)));
}
