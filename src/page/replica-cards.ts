import type { ReplicaView } from "./snapshot.js";
import { html } from "./svg.js";

/** What the buttons ask for. */
export type Fault = "crash" | "restart" | "cut-off" | "connect";

/** Digits of a state root that people compare. */
const ROOT_DIGITS = 8;

/** What a replica's state is called, and how it is coloured. */
interface Health {
  readonly words: string;
  readonly tone: "good" | "busy" | "bad";
}

function healthOf({ process, isCutOff, status }: ReplicaView): Health {
  if (process === "starting" || process === "waiting") return { words: "starting", tone: "busy" };
  if (process !== "serving") return { words: process, tone: "bad" };
  if (isCutOff) return { words: "cut off", tone: "bad" };
  if (status === null) return { words: "no answer", tone: "busy" };
  return status.active
    ? { words: "serving", tone: "good" }
    : { words: "changing view", tone: "busy" };
}

const FACTS = [
  "view",
  "executed",
  "behind the others",
  "stable checkpoint",
  "database lag",
  "requests/s",
  "state root",
] as const;

/** What the card says for each of `FACTS`. */
function valuesOf({ status }: ReplicaView, executedMax: number): string[] {
  if (status === null) return FACTS.map(() => "–");
  const { view, executed, stable, databaseLag, requestsPerSecond } = status;
  const numbers = [view, executed, executedMax - executed, stable, databaseLag, requestsPerSecond];
  return [...numbers.map(wholeText), rootText(status)];
}

/** A root that is not that of the last executed batch says of which it is. */
function rootText(status: NonNullable<ReplicaView["status"]>): string {
  const { executed, stateRoot, stateRootSeq } = status;
  const root = stateRoot.slice(0, ROOT_DIGITS);
  return stateRootSeq === executed ? root : `${root} after ${wholeText(stateRootSeq)}`;
}

/** The largest sequence number that any of `replicas` executed. */
export function executedMaxOf(replicas: readonly ReplicaView[]): number {
  return Math.max(0, ...replicas.map(({ status }) => status?.executed ?? 0));
}

/**
 * One replica's card. It is made once and then changed, never replaced: a button that is gone when
 * the finger lifts was not pressed.
 */
export class ReplicaCard {
  readonly element: HTMLElement;
  readonly #badge = html("span", { class: "badge" }, "primary");
  readonly #health = html("span", { class: "health" });
  readonly #values = FACTS.map(() => html("dd", {}));
  readonly #buttons = new Map<Fault, HTMLElement>();

  /** @param onFault hears of pressed buttons; null where there shall be none. */
  constructor(replica: number, onFault: ((fault: Fault, replica: number) => void) | null) {
    const title = html("h3", {}, `Replica ${String(replica)}`);
    const facts = FACTS.flatMap((name, index) => [
      html("dt", {}, name),
      this.#values[index] ?? html("dd", {}),
    ]);
    this.element = html(
      "article",
      { class: "card", "data-replica": replica },
      html("header", {}, title, this.#badge, this.#health),
      html("dl", {}, ...facts),
    );
    if (onFault === null) return;
    for (const [fault, words] of BUTTONS) {
      const button = html("button", { type: "button", "data-fault": fault }, words);
      button.addEventListener("click", () => onFault(fault, replica));
      this.#buttons.set(fault, button);
    }
    this.element.append(html("div", { class: "buttons" }, ...this.#buttons.values()));
  }

  /** Shows `replica`, with how far the one that is furthest has come. */
  update(replica: ReplicaView, executedMax: number): void {
    const { words, tone } = healthOf(replica);
    this.element.className = `card ${tone}`;
    this.#health.className = `health ${tone}`;
    this.#health.textContent = words;
    this.#badge.hidden = tone !== "good" || replica.status?.primary !== replica.replica;
    const values = valuesOf(replica, executedMax);
    for (const [index, element] of this.#values.entries()) {
      element.textContent = values[index] ?? "–";
    }
    const { process, isCutOff } = replica;
    const isUp = process === "serving";
    this.#allow("cut-off", isUp && !isCutOff);
    this.#allow("connect", isUp && isCutOff);
    this.#allow("crash", isUp);
    this.#allow("restart", process === "crashed" || process === "gone");
  }

  #allow(fault: Fault, isPossible: boolean): void {
    this.#buttons.get(fault)?.toggleAttribute("disabled", !isPossible);
  }
}

const BUTTONS: readonly (readonly [fault: Fault, words: string])[] = [
  ["cut-off", "Cut off"],
  ["connect", "Heal"],
  ["crash", "Crash"],
  ["restart", "Restart"],
];

/** A whole number with separators between thousands. */
export function wholeText(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
