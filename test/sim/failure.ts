/** Which promise of the protocol a run broke: invariants of the rules, or how else it ended. */
type Breach =
  | "I1 agreement"
  | "I2 state"
  | "I3 validity"
  | "I4 at most once"
  | "I5 one vote"
  | "I6 monotone"
  | "I7 durability"
  | "I8 linearizability"
  | "I9 conservation"
  | "I10 checkpoint"
  | "I11 bounded memory"
  | "I12 evidence"
  | "I13 liveness"
  | "I14 catch-up"
  | "VT2 view synchronisation"
  | "I15 spurious view change"
  | "I16 recovery time"
  | "persist before send"
  | "recovery"
  | "crash";

/** The product did what it must never do. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly breach: Breach;

  /** @param sentence who did what, and why that is wrong. */
  constructor(breach: Breach, sentence: string, options?: ErrorOptions) {
    super(`${breach}: ${sentence}`, options);
    this.breach = breach;
  }
}
