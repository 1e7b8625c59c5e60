import { posix } from "node:path";
import type { Rule } from "./rule.js";

const LINK = /\]\(([^)\s]+)\)/g;
const ELSEWHERE = /^(?:https?:|mailto:)/;

/** Documents do not send readers to places that are gone. */
export const documentLinks: Rule = {
  name: "every relative link of a document leads somewhere",
  *check(tree) {
    for (const [path, text] of tree.texts) {
      if (!path.endsWith(".md")) continue;
      for (const [index, line] of proseOf(text).split("\n").entries()) {
        for (const [, link = ""] of line.matchAll(LINK)) {
          if (ELSEWHERE.test(link)) continue;
          const [file = "", anchor] = link.split("#");
          const target = file === "" ? path : posix.join(posix.dirname(path), file);
          if (!tree.exists(target.replace(/\/$/, ""))) {
            yield { path, line: index + 1, message: `${target} does not exist: mend the link` };
          } else if (anchor !== undefined && !anchorsOf(tree.texts.get(target)).has(anchor)) {
            yield {
              path,
              line: index + 1,
              message: `no heading is called #${anchor}: mend the link`,
            };
          }
        }
      }
    }
  },
};

/** The document with its code blocks and code spans blanked. */
function proseOf(text: string): string {
  return text.replace(/```[\s\S]*?```|`[^`\n]*`/g, (code) => code.replace(/[^\n]/g, " "));
}

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(text = ""): Set<string> {
  const headings = text.matchAll(/^#{1,6} +(.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

function anchorOf(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{Letter}\p{Number}\s_-]/gu, "");
  return words.trim().replace(/\s/g, "-");
}
