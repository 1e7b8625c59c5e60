import { posix } from "node:path";
import ts from "typescript";

/** One reference from a file to another module. */
export interface Import {
  /** 1 and up. */
  readonly line: number;
  /** As written. */
  readonly specifier: string;
  /** Path of our own file that it means, or null for a package or a part of Node. */
  readonly target: string | null;
  /** Names taken from it, as the other file exports them; "all" where that cannot be told. */
  readonly names: readonly string[] | "all";
  /** Whether it is still there after compiling. */
  readonly runtime: boolean;
  /** Whether it starts a program of its own, a worker or a process, instead of joining this one. */
  readonly starts: boolean;
}

/** One exported name. */
export interface Export {
  readonly name: string;
  readonly line: number;
  /** Whether a doc comment stands above it; true for names passed on from another file. */
  readonly documented: boolean;
}

/** The references to other modules among `nodes`, which belong to the file at `path`. */
export function importsOf(path: string, nodes: readonly ts.Node[]): Import[] {
  return nodes.flatMap((node) => {
    const reference = referenceOf(node);
    if (reference === null) return [];
    const line = lineAt(node.getSourceFile(), node.getStart());
    return [{ starts: false, ...reference, target: targetOf(path, reference.specifier), line }];
  });
}

/** The file of ours that `specifier`, written in the file at `path`, means. */
function targetOf(path: string, specifier: string): string | null {
  if (!specifier.startsWith(".")) return null;
  return posix.join(posix.dirname(path), specifier).replace(/\.js$/, ".ts");
}

type Reference = Pick<Import, "specifier" | "names" | "runtime"> & { readonly starts?: boolean };

/** What `node` refers to, if it is any of the ways to refer to a module. */
function referenceOf(node: ts.Node): Reference | null {
  if (ts.isImportDeclaration(node)) return importReference(node);
  if (ts.isExportDeclaration(node)) return exportReference(node);
  if (ts.isImportTypeNode(node)) return importTypeReference(node);
  if (ts.isCallExpression(node)) return callReference(node);
  return ts.isNewExpression(node) ? startReference(node) : null;
}

/** `import("./module.js").Name` in the place of a type. */
function importTypeReference(node: ts.ImportTypeNode): Reference | null {
  if (!ts.isLiteralTypeNode(node.argument)) return null;
  return literalReference(node.argument.literal, { runtime: false });
}

/** `import("./module.js")` or `require("./module.js")`. */
function callReference(node: ts.CallExpression): Reference | null {
  if (!/^(?:import|require)$/.test(node.expression.getText())) return null;
  return literalReference(node.arguments[0], { runtime: true });
}

/** `new URL("./program.js", import.meta.url)`. */
function startReference(node: ts.NewExpression): Reference | null {
  if (node.arguments?.[1]?.getText() !== "import.meta.url") return null;
  const reference = literalReference(node.arguments[0], { runtime: true });
  return reference?.specifier.endsWith(".js") === true ? { ...reference, starts: true } : null;
}

function literalReference(
  node: ts.Node | undefined,
  { runtime }: { readonly runtime: boolean },
): Reference | null {
  if (node === undefined || !ts.isStringLiteralLike(node)) return null;
  return { specifier: node.text, names: "all", runtime };
}

function importReference(node: ts.ImportDeclaration): Reference | null {
  if (!ts.isStringLiteral(node.moduleSpecifier)) return null;
  const specifier = node.moduleSpecifier.text;
  const clause = node.importClause;
  if (clause === undefined) return { specifier, names: [], runtime: true };
  const runtime = clause.phaseModifier !== ts.SyntaxKind.TypeKeyword;
  const bindings = clause.namedBindings;
  if (bindings !== undefined && ts.isNamespaceImport(bindings)) {
    return { specifier, names: "all", runtime };
  }
  const named = bindings?.elements.map((element) => (element.propertyName ?? element.name).text);
  const names = [...(clause.name === undefined ? [] : ["default"]), ...(named ?? [])];
  return { specifier, names, runtime };
}

function exportReference(node: ts.ExportDeclaration): Reference | null {
  if (node.moduleSpecifier === undefined || !ts.isStringLiteral(node.moduleSpecifier)) return null;
  const specifier = node.moduleSpecifier.text;
  const runtime = !node.isTypeOnly;
  const clause = node.exportClause;
  if (clause === undefined || !ts.isNamedExports(clause)) {
    return { specifier, names: "all", runtime };
  }
  const names = clause.elements.map((element) => (element.propertyName ?? element.name).text);
  return { specifier, names, runtime };
}

/** The exported names of `file`, one entry a name: a type and a value may share theirs. */
export function exportsOf(file: ts.SourceFile): Export[] {
  const declared = file.statements.flatMap((statement) => declarationsOf(statement));
  const documented = new Set(declared.filter((one) => one.documented).map((one) => one.name));
  const found = new Map<string, Export>();
  const add = (name: string, local: string, node: ts.Node, passedOn: boolean): void => {
    if (found.has(name)) return;
    const line = lineAt(file, node.getStart(file));
    found.set(name, { name, line, documented: passedOn || documented.has(local) });
  };
  for (const { name, node } of declared.filter((one) => one.exported)) add(name, name, node, false);
  for (const statement of file.statements) {
    if (!ts.isExportDeclaration(statement) || statement.exportClause === undefined) continue;
    if (!ts.isNamedExports(statement.exportClause)) continue;
    for (const element of statement.exportClause.elements) {
      const local = (element.propertyName ?? element.name).text;
      add(element.name.text, local, element, statement.moduleSpecifier !== undefined);
    }
  }
  return [...found.values()];
}

interface Declaration {
  readonly name: string;
  readonly node: ts.Node;
  readonly exported: boolean;
  readonly documented: boolean;
}

/** The names that a statement at the top of a file declares. */
function declarationsOf(statement: ts.Statement): Declaration[] {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  const exported = modifiers?.some((one) => one.kind === ts.SyntaxKind.ExportKeyword) ?? false;
  const documented = ts.getJSDocCommentsAndTags(statement).length > 0;
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map((one) => {
      return { name: one.name.getText(), node: one, exported, documented };
    });
  }
  const name = ts.getNameOfDeclaration(statement as ts.DeclarationStatement);
  if (name === undefined) return [];
  return [{ name: name.getText(), node: statement, exported, documented }];
}

/** The line of `file` that holds the character at `position`, 1 and up. */
export function lineAt(file: ts.SourceFile, position: number): number {
  return file.getLineAndCharacterOfPosition(position).line + 1;
}
