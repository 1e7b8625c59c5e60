/** Texts of a made-up tree by path. */
export type Files = Readonly<Record<string, string>>;

/** A tree that breaks one rule, and one that looks alike and does not. */
interface Example {
  /** Name of the rule. */
  readonly rule: string;
  readonly breaks: Files;
  /** Where `breaks` breaks it, as path:line. */
  readonly at: readonly string[];
  readonly keeps: Files;
}

const linesOf = (count: number): string => "go();\n".repeat(count);

/** The package's manifest with these dependencies, written the way npm does. */
const manifest = (...names: string[]): string =>
  JSON.stringify({ dependencies: Object.fromEntries(names.map((name) => [name, "1"])) }, null, 2);

const project = (...references: string[]): string =>
  JSON.stringify({ include: ["**/*.ts"], references: references.map((path) => ({ path })) });

const CODE: readonly Example[] = [
  {
    rule: "the core reads no clock",
    breaks: { "src/core/a.ts": "go();\nconst now = Date.now();\nperformance.now();" },
    at: ["src/core/a.ts:2", "src/core/a.ts:3"],
    keeps: { "src/core/a.ts": '// Date\ngo("Date", birthDate);', "src/io/a.ts": "Date.now();" },
  },
  {
    rule: "the core draws no random numbers",
    breaks: { "src/core/a.ts": "const x = `${Math.random()}`;" },
    at: ["src/core/a.ts:1"],
    keeps: { "src/core/a.ts": "Math.floor(1); /* Math.random() */" },
  },
  {
    rule: "the core never waits",
    breaks: { "src/core/a.ts": "const go = async () => {\n  await x;\n};\nsetTimeout(go, 1);" },
    at: ["src/core/a.ts:1", "src/core/a.ts:2", "src/core/a.ts:4"],
    keeps: { "src/core/a.ts": 'const asynchronous = "await";', "src/io/a.ts": "await x;" },
  },
  {
    rule: "the core makes no promise",
    breaks: { "src/core/a.ts": "new Promise(go);\nPromise.resolve();" },
    at: ["src/core/a.ts:1", "src/core/a.ts:2"],
    keeps: { "src/core/a.ts": "interface Verifier { close(): Promise<void> }" },
  },
  {
    rule: "the core encodes bytes, not JSON",
    breaks: { "src/core/a.ts": "hash(JSON.stringify(message));" },
    at: ["src/core/a.ts:1"],
    keeps: { "src/core/a.ts": "hash(encode(message));", "src/io/a.ts": "JSON.stringify(x);" },
  },
  {
    rule: "the core does not depend on the machine's language, memory or environment",
    breaks: { "src/core/a.ts": "names.sort((a, b) => a.localeCompare(b));\nglobalThis.x;" },
    at: ["src/core/a.ts:1", "src/core/a.ts:2"],
    keeps: { "src/core/a.ts": "names.sort(bytesCompare);\nprocessed += 1;" },
  },
  {
    rule: "nothing is of type any",
    breaks: { "src/a.ts": "let a: any;\nlet b = a as any;\nlet c: Map<string, any>;" },
    at: ["src/a.ts:1", "src/a.ts:2", "src/a.ts:3"],
    keeps: { "src/a.ts": "let anything: unknown; // any: any\nmany(company);" },
  },
  {
    rule: "no test runs alone",
    breaks: { "test/a.test.ts": "test.only(name, go);\ntest(name, { only: true }, go);" },
    at: ["test/a.test.ts:1", "test/a.test.ts:2"],
    keeps: { "test/a.test.ts": "test(readonly(name), go);" },
  },
  {
    rule: "no error is swallowed without a reason",
    breaks: { "src/a.ts": "try {\n  go();\n} catch {\n}" },
    at: ["src/a.ts:3"],
    keeps: { "src/a.ts": "try { go(); } catch { /* gone already: as wanted */ }" },
  },
];

const TEXT: readonly Example[] = [
  {
    rule: "nothing is left to do in a comment",
    breaks: { "src/a.ts": "go(); // TO" + "DO: bound it", "sql/a.sql": "-- FIX" + "ME" },
    at: ["src/a.ts:1", "sql/a.sql:1"],
    keeps: { "src/a.ts": "const TODOS = 1;" },
  },
  {
    rule: "no check is switched off for a line",
    breaks: { "src/a.ts": "// eslint-" + "disable-next-line\n// @ts-" + "ignore" },
    at: ["src/a.ts:1", "src/a.ts:2"],
    keeps: { "src/a.ts": "// The linter is right here." },
  },
  {
    rule: "no path of one machine is written down",
    breaks: { "src/a.ts": 'open("/tm' + 'p/x");', ".ci/run": "cd /wor" + "k/tree" },
    at: ["src/a.ts:1", ".ci/run:1"],
    keeps: { "src/a.ts": 'import "../workers/a.js";', "README.md": "https://a.b/work/x" },
  },
  {
    rule: "no line of code is longer than 100 columns",
    breaks: { "src/a.ts": `go();\n// ${"x".repeat(98)}` },
    at: ["src/a.ts:2"],
    keeps: { "src/a.ts": `// ${"→".repeat(97)}`, "README.md": "x".repeat(101) },
  },
  {
    rule: "every relative link of a document leads somewhere",
    breaks: {
      "README.md": "[a](gone.md)\n[b](docs/b.md#no-such)\n[c](#here)",
      "docs/b.md": "# A title",
    },
    at: ["README.md:1", "README.md:2", "README.md:3"],
    keeps: {
      "README.md":
        "# Here: it's\n[b](docs/b.md#a-title) [c](#here-its) [d](docs/) [e](https://x.y)",
      "docs/b.md": "# A title\n`[f](gone.md)`",
    },
  },
];

const SIZES: readonly Example[] = [
  {
    rule: "no file is longer than 500 lines",
    breaks: { "src/a.ts": linesOf(501) },
    at: ["src/a.ts:1"],
    keeps: { "src/a.ts": linesOf(500) },
  },
  {
    rule: "no function is longer than 70 lines",
    breaks: {
      "src/a.ts": `go();\nfunction f() {\n${linesOf(69)}}`,
      "src/b.ts": `class C {\n  m() {\n${linesOf(69)}}\n}`,
      "test/c.test.ts": `test("x", () => {\n${linesOf(69)}});`,
    },
    at: ["src/a.ts:2", "src/b.ts:2", "test/c.test.ts:1"],
    keeps: {
      "src/a.ts": `/** One.\n * Two. */\nfunction f() {\n${linesOf(68)}}`,
      "test/a.test.ts": `describe("x", () => {\n${linesOf(100)}});`,
    },
  },
];

const IMPORTS: readonly Example[] = [
  {
    rule: "each foreign package is imported by one file",
    breaks: {
      "src/io/a.ts": 'import dgram from "node:dgram";\nimport { z } from "zod/mini";',
      "src/io/b.ts": 'import type { Socket } from "node:dgram";\nconst z = await import("zod");',
    },
    at: ["src/io/a.ts:1", "src/io/b.ts:1", "src/io/a.ts:2", "src/io/b.ts:2"],
    keeps: {
      "src/io/a.ts": 'import { z } from "zod";\nimport { join } from "node:path";',
      "src/io/b.ts": 'import { join } from "node:path";',
      "bench/a.ts": 'import { z } from "zod";',
      "test/a.test.ts": 'import { z } from "zod";',
    },
  },
  {
    rule: "package.json lists exactly what the product imports",
    breaks: {
      "package.json": manifest("@scope/used", "unused"),
      "src/a.ts": 'import { x } from "@scope/used/deep.js";\nimport { y } from "missing";',
    },
    at: ["package.json:4", "src/a.ts:2"],
    keeps: { "package.json": manifest("used"), "src/a.ts": 'const used = require("used");' },
  },
  {
    rule: "no file imports itself in a circle",
    breaks: {
      "src/a.ts": 'import { b } from "./b.js";',
      "src/b.ts": 'export { c } from "./c.js";',
      "src/c.ts": 'import { a } from "./a.js";',
    },
    at: ["src/a.ts:1"],
    keeps: {
      "src/a.ts": 'import { b } from "./b.js";',
      "src/b.ts":
        'import type { A } from "./a.js";\nnew Worker(new URL("./a.js", import.meta.url));',
    },
  },
];

const ROOMS: readonly Example[] = [
  {
    rule: "a room imports only from the rooms below it",
    breaks: {
      "src/core/pbft/a.ts": 'import type { Ledger } from "../ledger/ledger.js";',
      "src/core/base/b.ts": 'import { c } from "../message.js";',
      "src/io/c.ts": 'import { main } from "../cli/main.js";\nimport { x } from "../../test/x.js";',
    },
    at: ["src/core/base/b.ts:1", "src/core/pbft/a.ts:1", "src/io/c.ts:1", "src/io/c.ts:2"],
    keeps: {
      "src/core/pbft/a.ts": 'import { assert } from "../base/assert.js";\nimport "./b.js";',
      "test/core/a.test.ts": 'import { main } from "../../src/cli/main.js";',
    },
  },
  {
    rule: "the tsconfig references are the room order",
    breaks: {
      "src/core/ledger/tsconfig.json": project("../base", "../paging", "../pbft"),
      "src/core/pbft/tsconfig.json": project("../base"),
      "src/core/base/tsconfig.json": JSON.stringify({ compilerOptions: { types: ["node"] } }),
    },
    at: [
      "src/core/base/tsconfig.json:1",
      "src/core/pbft/tsconfig.json:1",
      "src/core/ledger/tsconfig.json:1",
    ],
    keeps: {
      "src/core/base/tsconfig.json": project(),
      "src/core/ledger/tsconfig.json": project("../base", "../paging"),
    },
  },
  {
    rule: "every file is compiled by exactly one project, which the build knows",
    breaks: {
      "tsconfig.json": project("./src/io"),
      "src/io/tsconfig.json": project(),
      "src/io/new/tsconfig.json": project(),
      "src/io/new/a.ts": "",
      "test/a.test.ts": "",
    },
    at: ["src/io/new/tsconfig.json:1", "src/io/new/a.ts:1", "test/a.test.ts:1"],
    keeps: {
      "tsconfig.json": project("./src/io", "./test"),
      "src/io/tsconfig.json": project(),
      "src/io/deep/a.ts": "",
      "test/tsconfig.json": JSON.stringify({ files: ["run.ts"], include: ["tidy/*.ts"] }),
      "test/run.ts": "",
      "test/tidy/rule.ts": "",
    },
  },
  {
    rule: "the compiled core imports nothing outside the core",
    breaks: {
      "src/core/pbft/a.ts": "",
      "dist/src/core/pbft/a.js": 'import "../base/b.js";\nexport { c } from "../../io/c.js";',
      "src/core/d.ts": "",
      "dist/src/core/d.js": 'import fs from "node:fs";',
    },
    at: ["dist/src/core/pbft/a.js:2", "dist/src/core/d.js:1"],
    keeps: {
      "src/core/pbft/a.ts": "",
      "dist/src/core/pbft/a.js": 'import { b } from "../base/b.js";',
      "dist/src/core/gone.js": 'import fs from "node:fs";',
    },
  },
];

const EXPORTS: readonly Example[] = [
  {
    rule: "everything is exported by its name, from the file that holds it",
    breaks: {
      "src/index.ts": "",
      "src/a.ts": 'export * from "./b.js";\nexport default 1;\nexport { x as default };',
    },
    at: ["src/a.ts:1", "src/a.ts:2", "src/a.ts:3", "src/index.ts:1"],
    keeps: { "src/a.ts": 'export { b } from "./b.js";\nimport c from "c"; // export default' },
  },
  {
    rule: "no folder is named after nothing",
    breaks: { "src/io/utils/a.ts": "", "test/helpers/b.ts": "" },
    at: ["src/io/utils/a.ts:1", "test/helpers/b.ts:1"],
    keeps: { "src/io/utility-bill.ts": "", "src/library/a.ts": "" },
  },
  {
    rule: "every export has a doc comment",
    breaks: {
      "src/a.ts":
        "/** One. */\nexport const a = 1;\nexport const b = 2;\nfunction c() {}\nexport { c };",
    },
    at: ["src/a.ts:3", "src/a.ts:5"],
    keeps: {
      "src/a.ts": "/** Kinds. */\nexport const K = 1;\nexport type K = 1;\nfunction inner() {}",
      "src/b.ts": 'export { K } from "./a.js";',
      "test/c.ts": "export const c = 1;",
    },
  },
  {
    rule: "every export is used by another file",
    breaks: {
      "src/a.ts": "export const used = 1, own = 2;\nexport const tested = own;\nexport type T = 1;",
      "src/b.ts": 'import { used } from "./a.js";',
      "test/a.test.ts": 'import { tested } from "../src/a.js";\nimport { x } from "./x.js";',
      "test/x.ts": "export const x = 1;\nexport const y = 2;",
    },
    at: ["src/a.ts:1", "src/a.ts:2", "src/a.ts:3", "test/x.ts:2"],
    keeps: {
      "package.json": '{ "bin": { "x": "dist/src/cli/main.js" } }',
      "src/cli/main.ts": 'export const entry = 1;\nimport { a as b } from "../a.js";',
      "src/a.ts": "export const a = 1;\nexport const passedOn = 2;",
      "src/io/pbft-ledger.ts": 'export { passedOn } from "../a.js";\nexport const api = 1;',
      "src/workers/pool.ts": 'new Worker(new URL("./worker.js", import.meta.url));',
      "src/workers/worker.ts": "export function work() {}",
    },
  },
  {
    rule: "every file is reached from an entry point",
    breaks: { "src/a.ts": "", "test/a.test.ts": 'import "../src/a.js";', "test/b.ts": "" },
    at: ["src/a.ts:1", "test/b.ts:1"],
    keeps: {
      "src/io/pbft-ledger.ts": 'import type { A } from "../a.js";',
      "src/a.ts": 'const program = new URL("./b.js", import.meta.url);',
      "src/b.ts": "",
      "src/addon.d.ts": "",
      "test/a.test.ts": 'import { x } from "./x.js";',
      "test/x.ts": "",
    },
  },
  {
    rule: "every reject code is returned by a guard and met by a test",
    breaks: {
      "src/core/pbft/reject.ts":
        'export type RejectCode =\n  | "a/met"\n  | "a/unmet"\n  | "a/dead";',
      "src/core/pbft/a.ts": 'return "a/met", "a/unmet";',
      "test/a.test.ts": 'assert.equal(code, "a/met"); // "a/unmet"',
    },
    at: ["src/core/pbft/reject.ts:3", "src/core/pbft/reject.ts:4", "src/core/pbft/reject.ts:4"],
    keeps: {
      "src/core/pbft/reject.ts": 'export type RejectCode = "a/met";',
      "src/core/pbft/a.ts": 'return "a/met";',
      "test/a.test.ts": 'assert.equal(code, "a/met");',
    },
  },
];

/** One example for each rule, or more. */
export const EXAMPLES: readonly Example[] = [
  ...CODE,
  ...TEXT,
  ...SIZES,
  ...IMPORTS,
  ...ROOMS,
  ...EXPORTS,
];
