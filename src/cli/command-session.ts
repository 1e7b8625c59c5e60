import type { Seq, View } from "../core/base/ids.js";
import type { ResultPath } from "../core/client/effect.js";
import type { LedgerOperation } from "../core/ledger/operation.js";
import { outcomeAnswer, refusalAnswer } from "./client-answer.js";
import type { Refusal } from "./client-answer.js";
import type { Output } from "./command.js";
import { GRAMMAR_HELP, parseLine } from "./grammar.js";
import type { Command } from "./grammar.js";

/** Where an agreed outcome comes from. */
interface Origin {
  readonly path: ResultPath;
  readonly view: View;
  readonly sequence: Seq;
  readonly latencyMs: number;
}

/** What an outcome without agreement has instead. */
interface NoOrigin {
  readonly path?: never;
}

/** How long to wait for an outcome. */
interface OperationWait {
  readonly timeoutMs: number;
}

/** No outcome was learned in time; the operation may have been, or may yet be, executed. */
interface UnknownOutcome extends NoOrigin {
  readonly ok: false;
  readonly code: "timeout";
  readonly message?: string;
  /** Waits for the very same request again: it can't be applied twice. */
  retry(wait: OperationWait): Promise<OperationOutcome>;
}

/** An error that the replicas agree on, or one that kept the operation from being ordered. */
type FailedOutcome = (Origin | NoOrigin) & {
  readonly ok: false;
  readonly code: string;
  readonly message?: string;
  readonly retry?: never;
};

/** What became of one operation. */
export type OperationOutcome =
  | (Origin & { readonly ok: true; readonly balance: bigint; readonly targetBalance?: bigint })
  | FailedOutcome
  | UnknownOutcome;

/** The part of the client library that a session of commands uses. */
interface OperationClient {
  run(operation: LedgerOperation, wait: OperationWait): Promise<OperationOutcome>;
}

/** How a session answers. */
interface SessionOptions {
  /** How long to wait for the outcome of one operation. */
  readonly timeoutMs: number;
  readonly isJson: boolean;
}

/** An operation whose outcome is not known, kept so that it can be asked for again. */
interface Pending {
  readonly typed: string;
  readonly operation: LedgerOperation;
  readonly outcome: UnknownOutcome;
}

/** Most operations with an unknown outcome; beyond, no new ones are sent. */
const PENDING_MAX = 1_000;

/** Runs lines of commands, one after the other, and prints one answer for each command. */
export class CommandSession {
  readonly #client: OperationClient;
  readonly #options: SessionOptions;
  readonly #output: Output;
  /** The one that was asked for longest ago comes first. */
  readonly #pending: Pending[] = [];
  #hasFailed = false;

  constructor(client: OperationClient, options: SessionOptions, output: Output) {
    this.#client = client;
    this.#options = options;
    this.#output = output;
  }

  /** Whether a command failed, or has an outcome that is still not known. */
  get hasFailed(): boolean {
    return this.#hasFailed || this.#pending.length > 0;
  }

  /** Answers every command of `line`, or says what is wrong with it. False once it asks to quit. */
  async runLine(line: string): Promise<boolean> {
    const { commands, fault } = parseLine(line);
    if (fault !== null) {
      this.#refuse(fault);
      return true;
    }
    for (const command of commands) {
      if (command.action.kind === "quit") return false;
      await this.#runCommand(command);
    }
    return true;
  }

  async #runCommand({ typed, action }: Command): Promise<void> {
    switch (action.kind) {
      case "quit":
        return;
      case "help":
        this.#output.note(GRAMMAR_HELP);
        return;
      case "retry":
        return this.#retry();
      default:
        return this.#runOperation(typed, action);
    }
  }

  async #runOperation(typed: string, operation: LedgerOperation): Promise<void> {
    if (this.#pending.length >= PENDING_MAX) {
      const message = "too many outcomes are unknown: `retry` them first, or quit.";
      this.#refuse({ typed, code: "too-many-unknown", message });
      return;
    }
    const { timeoutMs } = this.#options;
    this.#answer(typed, operation, await this.#client.run(operation, { timeoutMs }));
  }

  async #retry(): Promise<void> {
    const pending = this.#pending.shift();
    if (pending === undefined) {
      const message = "there is no operation whose outcome is unknown.";
      this.#refuse({ typed: "retry", code: "nothing-to-retry", message });
      return;
    }
    const { typed, operation, outcome } = pending;
    const { timeoutMs } = this.#options;
    this.#answer(typed, operation, await outcome.retry({ timeoutMs }));
  }

  #answer(typed: string, operation: LedgerOperation, outcome: OperationOutcome): void {
    this.#output.result(outcomeAnswer(typed, operation, outcome, this.#options.isJson));
    if (outcome.ok) return;
    if (outcome.retry === undefined) this.#hasFailed = true;
    else this.#pending.push({ typed, operation, outcome });
  }

  #refuse(refusal: Refusal): void {
    this.#hasFailed = true;
    this.#output.result(refusalAnswer(refusal, this.#options.isJson));
  }
}
