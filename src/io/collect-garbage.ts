import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Has the calling thread's heap rid of all that nobody uses any more, at once: some milliseconds,
 * and more where more is in use. To be called when much was let go that had lived for long, as at
 * the end of a start: V8 else looks at what is old only once the heap has doubled, which then takes
 * as long as the heap has become large, in the middle of the work.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  collect();
}
