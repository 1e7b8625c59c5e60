import type { Principal } from "../base/ids.js";
import type { Roster } from "./roster.js";

/** What a decoder has to know of the frame that a message came in. */
export interface Scope {
  readonly roster: Roster;
  /** Who authenticated the frame (AU5). */
  readonly from: Principal;
}
