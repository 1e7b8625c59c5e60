import { assert, unreachable } from "../base/assert.js";
import { BUNDLE_OPERATIONS_MAX, BundleReader, BundleWriter } from "../base/bundle.js";
import type { Digest, Hasher } from "../base/hasher.js";
import type { ClientId } from "../base/ids.js";
import type { Previewed, Service } from "../base/service.js";
import { ChangeSet } from "../paging/change-set.js";
import { PagedService } from "../paging/paged-service.js";
import { StateTree } from "../paging/state-tree.js";
import { ACCOUNTS_MAX, type AccountRow, BALANCE_MAX, CUSTOMER_ID_MAX } from "./account-row.js";
import { AccountPages } from "./account-pages.js";
import { Accounts } from "./accounts.js";
import { INDEX_KEY_BYTES } from "./byte-index.js";
import { LOOK_AHEAD_ACCOUNTS_MIN, LookAhead } from "./look-ahead.js";
import type { ResultCode } from "./operation.js";
import { Opcode, OperationView } from "./operation-view.js";
import type { PackedAccounts, PackedChanges } from "./packed-accounts.js";
import { PageHasher } from "./page.js";
import { NO_OWNER } from "./profile.js";
import { accountsFromRows, addPages } from "./rebuild.js";
import { ResultWriter } from "./result-writer.js";

/**
 * What a client may do: a teller everything; a customer only with accounts it owns, and open some.
 */
type ClientRole = "teller" | "customer";

/** What a ledger starts from. All but `indexKey` must be the same on every replica. */
interface LedgerOptions {
  readonly hasher: Hasher;
  /** The role of each client, by client id. */
  readonly clients: readonly ClientRole[];
  /** The rows of the genesis state, ascending by customer id. */
  readonly accounts: readonly AccountRow[];
  /** Most accounts, up to `ACCOUNTS_MAX` (included), which is the default. */
  readonly accountsMax?: number;
  /**
   * 8 bytes that clients cannot guess, drawn anew at each start: they keep clients from choosing
   * account ids that slow the look-up down. No result depends on them. The default is for
   * simulations.
   */
  readonly indexKey?: Uint8Array;
}

/** Balances as they were before a preview changed them, in the order of the changes. */
interface Undo {
  readonly accounts: number[];
  readonly balances: bigint[];
  /** Whether the preview came to what only an execution can tell. */
  wouldOpen: boolean;
}

/** With its profiles, which nobody hashed yet, a page takes 10 µs. */
const PAGES_HASHED_PER_STEP = 64;

/**
 * Accounts of one piece of what a store is given: whole ones, which are up to 240 bytes each, and
 * balances, which take 0.1 ms to collect. Databases take rows by the hundred.
 */
const PACK_ACCOUNTS = 1_000;
const PACK_BALANCES = 8_192;

/** Instead of an account's number. */
const NO_ACCOUNT = -1;

/**
 * The bank: accounts with exact 64-bit balances that clients open, look at, fill, empty and move
 * money between. Which error an operation ends with when several apply: the order of
 * `RESULT_CODES`.
 *
 * Opening with a balance is a deposit, so the sum of all balances is that of the genesis plus
 * deposits and opening balances less withdrawals. Deposit, withdraw, move and get make no object of
 * their own.
 */
export class Ledger extends PagedService<BigInt64Array> implements Service {
  readonly #pageHasher: PageHasher;
  readonly #clients: readonly ClientRole[];
  readonly #accountsMax: number;
  readonly #indexKey: Uint8Array;
  #accounts: Accounts;
  #tree: StateTree<BigInt64Array>;
  #changed = new ChangeSet();
  /** How many accounts, from the first on, whoever takes changes knows of. */
  #toldCount: number;
  readonly #ahead = new LookAhead();
  #looksAhead = false;
  /*
   * The operation under way: its place among those looked ahead at, its parts, its buffer, and
   * whose balances its result tells.
   */
  #place = 0;
  readonly #operation = new OperationView();
  readonly #results = new ResultWriter();
  #bytes: Uint8Array = new Uint8Array(0);
  #account = NO_ACCOUNT;
  #target = NO_ACCOUNT;
  /** What a preview has to take back; null: what is done is done. */
  #undo: Undo | null = null;

  /** @throws AccountRowError when the rows can't be a ledger's. */
  constructor(options: LedgerOptions) {
    super(options.hasher);
    this.#pageHasher = new PageHasher(options.hasher);
    this.#clients = options.clients;
    this.#accountsMax = options.accountsMax ?? ACCOUNTS_MAX;
    this.#indexKey = options.indexKey ?? new Uint8Array(INDEX_KEY_BYTES);
    this.#accounts = accountsFromRows(options.accounts, this.#indexKey);
    this.#toldCount = this.#accounts.count;
    this.#tree = this.#treeOf(this.#accounts);
  }

  protected get tree(): StateTree<BigInt64Array> {
    return this.#tree;
  }

  execute(
    client: ClientId,
    bundle: BundleReader,
    results: BundleWriter,
    operationsMax = BUNDLE_OPERATIONS_MAX,
  ): void {
    this.#answer(client, bundle, results, operationsMax, false);
  }

  query(client: ClientId, bundle: BundleReader, results: BundleWriter): void {
    this.#answer(client, bundle, results, BUNDLE_OPERATIONS_MAX, true);
  }

  /**
   * Null if an account would be opened: what comes after depends on it. Balances are those that
   * will be while this runs; nobody is told that they changed, because they did not.
   */
  preview(requests: readonly Previewed[], first: number): Uint8Array[] | null {
    const undo: Undo = { accounts: [], balances: [], wouldOpen: false };
    this.#undo = undo;
    const results: Uint8Array[] = [];
    const writer = new BundleWriter();
    for (const [index, { client, bundle }] of requests.entries()) {
      writer.clear();
      this.execute(client, new BundleReader(bundle), writer);
      if (index >= first) results.push(writer.finish());
    }
    for (let last = undo.accounts.length - 1; last >= 0; last -= 1) {
      this.#accounts.setBalance(undo.accounts[last] ?? 0, undo.balances[last] ?? 0n);
    }
    this.#undo = null;
    return undo.wouldOpen ? null : results;
  }

  override digestOf(level: number, bytes: Uint8Array): Digest {
    return level < 0 ? this.#pageHasher.digestOf(bytes) : super.digestOf(level, bytes);
  }

  /**
   * Does the work of `restore` step by step, a page in the 0.8 ms that it takes to check its texts,
   * and changes nothing: returns what then replaces the whole state, pins included.
   * @throws InvariantError as `restore` does.
   */
  *readIn(pages: readonly Uint8Array[]): Generator<void, () => void> {
    const accounts = new Accounts(this.#indexKey);
    yield* addPages(accounts, pages);
    const tree = this.#treeOf(accounts);
    while (!tree.rehash(PAGES_HASHED_PER_STEP)) yield;
    return () => {
      this.#adopt(accounts, tree);
    };
  }

  /**
   * Replaces the whole state, pins included, by `rows` as a store keeps them: ascending by customer
   * id.
   * @throws AccountRowError when they can't be a ledger's; the state is then what it was.
   */
  load(rows: readonly AccountRow[]): void {
    const accounts = accountsFromRows(rows, this.#indexKey);
    this.#adopt(accounts, this.#treeOf(accounts));
  }

  /**
   * All accounts, ascending by customer id: what a store needs to hold the present state. In
   * pieces, each copied when it is asked for: nothing may be executed before the last one is.
   */
  *packedAccounts(): Generator<PackedAccounts> {
    const { count } = this.#accounts;
    for (let first = 0; first < count; first += PACK_ACCOUNTS) {
      yield this.#accounts.packRange(first, Math.min(first + PACK_ACCOUNTS, count));
    }
  }

  /** The same as rows, which take ten times the room. */
  accountRows(): AccountRow[] {
    return Array.from({ length: this.#accounts.count }, (_, index) => this.#accounts.row(index));
  }

  /**
   * The accounts that operations opened or changed since the last call, or since the whole state
   * was replaced, each once, ascending by customer id, in pieces: whole if they were opened since,
   * else their balances. A piece is looked for and copied when it is asked for: nothing may be
   * executed before the last one is.
   */
  *takeChangedAccounts(): Generator<PackedChanges> {
    const accounts = this.#accounts;
    for (const indices of this.#changed.take(PACK_BALANCES)) {
      // Whatever was opened changed, so what there is of it in a piece is one range, at its end.
      const end = (indices.at(-1) ?? 0) + 1;
      const openedCount = Math.min(Math.max(end - this.#toldCount, 0), indices.length);
      yield {
        changed: accounts.packBalances(indices.subarray(0, indices.length - openedCount)),
        opened: accounts.packRange(end - openedCount, end),
      };
    }
    this.#toldCount = accounts.count;
  }

  #adopt(accounts: Accounts, tree: StateTree<BigInt64Array>): void {
    this.#accounts = accounts;
    this.#tree = tree;
    this.#changed = new ChangeSet();
    this.#toldCount = accounts.count;
  }

  #treeOf(accounts: Accounts): StateTree<BigInt64Array> {
    return new StateTree(this.hasher, new AccountPages(this.hasher, accounts));
  }

  #answer(
    client: ClientId,
    bundle: BundleReader,
    results: BundleWriter,
    operationsMax: number,
    isReadOnly: boolean,
  ): void {
    this.#bytes = bundle.bytes;
    this.#operation.attach(bundle.bytes);
    this.#looksAhead = this.#accounts.count >= LOOK_AHEAD_ACCOUNTS_MIN;
    const ahead = bundle.rest();
    let left = Math.min(operationsMax, bundle.remaining);
    while (left > 0) {
      const count = this.#looksAhead ? this.#ahead.read(ahead, left, this.#accounts) : left;
      for (this.#place = 0; this.#place < count; this.#place += 1) {
        bundle.next();
        const isOperation = this.#operation.parse(bundle.start, bundle.end);
        if (!isOperation) this.#results.appendError(results, "bad-operation");
        else this.#append(isReadOnly ? this.#read(client) : this.#perform(client), results);
      }
      left -= count;
    }
  }

  #append(code: ResultCode, results: BundleWriter): void {
    if (code !== "ok") {
      // An account that was found has a plain name, so only what was refused needs a closer look.
      const isPlain = this.#operation.hasPlainTexts();
      this.#results.appendError(results, isPlain ? code : "bad-operation");
      return;
    }
    const balance = this.#accounts.balance(this.#account);
    if (this.#target === NO_ACCOUNT) this.#results.appendBalance(results, balance);
    else this.#results.appendBalances(results, balance, this.#accounts.balance(this.#target));
  }

  #read(client: ClientId): ResultCode {
    return this.#operation.opcode === Opcode.get ? this.#useAccount(client) : "not-read-only";
  }

  #perform(client: ClientId): ResultCode {
    const { opcode } = this.#operation;
    switch (opcode) {
      case Opcode.get:
        return this.#useAccount(client);
      case Opcode.deposit:
        return this.#deposit(client);
      case Opcode.withdraw:
        return this.#withdraw(client);
      case Opcode.move:
        return this.#move(client);
      case Opcode.open:
        return this.#open(client);
      default:
        return unreachable(opcode);
    }
  }

  #deposit(client: ClientId): ResultCode {
    const amount = this.#operation.amount();
    if (amount <= 0n) return "bad-amount";
    const code = this.#useAccount(client);
    if (code !== "ok") return code;
    const balance = this.#accounts.balance(this.#account);
    if (balance > BALANCE_MAX - amount) return "overflow";
    this.#write(this.#account, balance + amount);
    return "ok";
  }

  #withdraw(client: ClientId): ResultCode {
    const amount = this.#operation.amount();
    if (amount <= 0n) return "bad-amount";
    const code = this.#useAccount(client);
    if (code !== "ok") return code;
    const balance = this.#accounts.balance(this.#account);
    if (balance < amount) return "insufficient-funds";
    this.#write(this.#account, balance - amount);
    return "ok";
  }

  #move(client: ClientId): ResultCode {
    const operation = this.#operation;
    const amount = operation.amount();
    if (amount <= 0n) return "bad-amount";
    if (operation.isSelfMove()) return "same-account";
    const source = this.#findAccount();
    const target = this.#findTarget();
    if (source === NO_ACCOUNT || target === NO_ACCOUNT) return "unknown-account";
    if (!this.#mayUse(client, source)) return "not-authorized";
    const sourceBalance = this.#accounts.balance(source);
    const targetBalance = this.#accounts.balance(target);
    if (sourceBalance < amount) return "insufficient-funds";
    if (targetBalance > BALANCE_MAX - amount) return "overflow";
    this.#write(source, sourceBalance - amount);
    this.#write(target, targetBalance + amount);
    this.#account = source;
    this.#target = this.#mayUse(client, target) ? target : NO_ACCOUNT;
    return "ok";
  }

  #open(client: ClientId): ResultCode {
    const operation = this.#operation;
    const accounts = this.#accounts;
    const bytes = this.#bytes;
    if (operation.amount() < 0n) return "bad-amount";
    const { accountStart, accountEnd, nameStart, nameEnd, addressStart, addressEnd } = operation;
    if (this.#findAccount() !== NO_ACCOUNT) return "account-exists";
    const customerId = accounts.lastCustomerId + 1;
    if (accounts.count >= this.#accountsMax || customerId > CUSTOMER_ID_MAX) return "ledger-full";
    if (!operation.hasPlainTexts()) return "bad-operation";
    if (this.#undo !== null) {
      this.#undo.wouldOpen = true;
      return "ledger-full";
    }
    const index = accounts.count;
    accounts.open(
      customerId,
      this.#roleOf(client) === "teller" ? NO_OWNER : client,
      bytes.subarray(accountStart, accountEnd),
      bytes.subarray(nameStart, nameEnd),
      bytes.subarray(addressStart, addressEnd),
      operation.amount(),
    );
    this.#tree.afterAdd(index);
    this.#changed.add(index);
    this.#account = index;
    this.#target = NO_ACCOUNT;
    return "ok";
  }

  /** Finds the operation's only account and checks that `client` may use it. */
  #useAccount(client: ClientId): ResultCode {
    this.#account = this.#findAccount();
    this.#target = NO_ACCOUNT;
    if (this.#account === NO_ACCOUNT) return "unknown-account";
    return this.#mayUse(client, this.#account) ? "ok" : "not-authorized";
  }

  #findAccount(): number {
    const { accountStart, accountEnd } = this.#operation;
    const found = this.#looksAhead ? this.#ahead.account(this.#place) : NO_ACCOUNT;
    return found === NO_ACCOUNT ? this.#find(accountStart, accountEnd) : found;
  }

  #findTarget(): number {
    const { targetStart, targetEnd } = this.#operation;
    const found = this.#looksAhead ? this.#ahead.target(this.#place) : NO_ACCOUNT;
    return found === NO_ACCOUNT ? this.#find(targetStart, targetEnd) : found;
  }

  /** Now: what was not found ahead may have been opened since, by the same bundle. */
  #find(start: number, end: number): number {
    return this.#accounts.find(this.#bytes, start, end);
  }

  #write(account: number, balance: bigint): void {
    const undo = this.#undo;
    if (undo !== null) {
      undo.accounts.push(account);
      undo.balances.push(this.#accounts.balance(account));
      this.#accounts.setBalance(account, balance);
      return;
    }
    this.#tree.beforeWrite(account);
    this.#accounts.setBalance(account, balance);
    this.#changed.add(account);
  }

  #mayUse(client: ClientId, account: number): boolean {
    // The role first: the owner lies in no cache if there are many accounts.
    return this.#roleOf(client) === "teller" || this.#accounts.owner(account) === client;
  }

  #roleOf(client: ClientId): ClientRole {
    const role = this.#clients[client];
    assert(role !== undefined, "only clients of the genesis are let in");
    return role;
  }
}
