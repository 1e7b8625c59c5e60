import type { Machine } from "./machine.js";
import type { Cast } from "./keys.js";
import type { Network } from "./network.js";
import type { SimOptions } from "./options.js";
import type { Prng } from "./prng.js";
import type { Scheduler } from "./scheduler.js";
import type { Trace } from "./trace.js";
import type { Watch } from "./watch.js";

/** What the parts of one run share. */
export interface World {
  readonly options: SimOptions;
  readonly prng: Prng;
  readonly scheduler: Scheduler;
  readonly trace: Trace;
  readonly network: Network;
  readonly cast: Cast;
  readonly watch: Watch;
  /** A machine stopped by itself, in the middle of something. */
  onStopped(machine: Machine): void;
}
