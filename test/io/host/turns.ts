import { setImmediate as nextTurn } from "node:timers/promises";
import { TurnBudget } from "../../../src/io/turn-budget.js";

/** Turns of a main loop that a test ends, and a clock on which every step takes equally long. */
export class Turns {
  /** What a step takes: at first so long that it is the only one in its turn. */
  stepMs: number;
  /** What a turn has taken before its first step. */
  turnMs = 0;
  #nowMs = 0;
  #over: (() => void) | null = null;
  readonly budget = new TurnBudget(
    (over) => {
      this.#over = over;
    },
    () => (this.#nowMs += this.stepMs),
    () => this.turnMs,
  );

  constructor(stepMs = 100) {
    this.stepMs = stepMs;
  }

  /** So many turns end. */
  async pass(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) {
      await nextTurn();
      const over = this.#over;
      this.#over = null;
      over?.();
    }
    await nextTurn();
  }
}

/** Work of `count` steps; `step` is told which one it is, from 1. */
export function* steps(count: number, step: (number: number) => void): Generator<void, void> {
  for (let number = 1; number <= count; number += 1) {
    step(number);
    if (number < count) yield;
  }
}
