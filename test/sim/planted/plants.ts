import { AGREEMENT_PLANTS } from "./agreement-plants.js";
import { KEEPING_PLANTS } from "./keeping-plants.js";
import { OTHER_PLANTS } from "./other-plants.js";
import type { Plant } from "./plant.js";
import { TENTATIVE_PLANTS } from "./tentative-plants.js";

/** Every bug that can be planted. */
export const PLANTS: readonly Plant[] = [
  ...AGREEMENT_PLANTS,
  ...OTHER_PLANTS,
  ...KEEPING_PLANTS,
  ...TENTATIVE_PLANTS,
];
