import { bannedCode } from "./banned-code.js";
import { bannedText } from "./banned-text.js";
import { importCycles } from "./cycles.js";
import { deadExports, deadFiles, docComments, folderNames, namedExports } from "./exports.js";
import { declaredDependencies, foreignImports } from "./foreign.js";
import { documentLinks } from "./links.js";
import { rejectCodes } from "./reject-codes.js";
import { coreStandsAlone, everyFileCompiled, projectReferences, roomOrder } from "./rooms.js";
import type { Rule } from "./rule.js";
import { emptyCatches, fileSizes, functionSizes } from "./shapes.js";

/** Every rule that the tree keeps. There is no list of exceptions. */
export const RULES: readonly Rule[] = [
  ...bannedCode,
  ...bannedText,
  fileSizes,
  functionSizes,
  emptyCatches,
  foreignImports,
  declaredDependencies,
  importCycles,
  roomOrder,
  projectReferences,
  everyFileCompiled,
  coreStandsAlone,
  namedExports,
  folderNames,
  docComments,
  deadExports,
  deadFiles,
  rejectCodes,
  documentLinks,
];
