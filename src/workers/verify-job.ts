import { assert, unreachable } from "../core/base/assert.js";
import { DIGEST_BYTES } from "../core/base/hasher.js";
import type { Digest, Domain } from "../core/base/hasher.js";
import type { Check, Verdict } from "../core/crypto/check.js";

/*
 * A job carries many lists of checks to a worker in one buffer, and their verdicts come back in
 * another: two transfers, no objects to clone. Both stay in this process, so numbers have the byte
 * order of the machine.
 *
 *   job      ┌─────────────┬───────────────────────────────┬───────────────────┬───────────────┐
 *            │ list count  │ per list: byte length,        │ all checks, five  │ the bytes of  │
 *            │             │           check count         │ numbers each      │ all lists     │
 *            └─────────────┴───────────────────────────────┴───────────────────┴───────────────┘
 *              i32           2 × i32                         5 × i32             as they came
 *
 *   answer   ┌────────────────────────────────┬────────────────────────────────────────────────┐
 *            │ one byte per check: 1 = passed │ the digests that were computed, 32 bytes each  │
 *            └────────────────────────────────┴────────────────────────────────────────────────┘
 *
 * A check is its kind and what its fields hold, in the order of `writeCheck`; unused numbers are 0.
 */

const LIST_WORDS = 2;
const CHECK_WORDS = 5;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;

const KIND_MAC = 0;
const KIND_DIGEST = 1;
const KIND_DIGEST_OF_DIGESTS = 2;
const KIND_SIGNATURE = 3;
const KIND_DIGEST_MAC = 4;

/** Checks and the bytes that they are about. */
export interface CheckList {
  readonly bytes: Uint8Array;
  readonly checks: readonly Check[];
}

/** Copies lists into one job, a fresh buffer to transfer. */
export function packJob(lists: readonly CheckList[]): ArrayBuffer {
  let wordCount = 1;
  let byteCount = 0;
  for (const { bytes, checks } of lists) {
    wordCount += LIST_WORDS + CHECK_WORDS * checks.length;
    byteCount += bytes.length;
  }
  const job = new ArrayBuffer(WORD_BYTES * wordCount + byteCount);
  const words = new Int32Array(job, 0, wordCount);
  const payload = new Uint8Array(job, WORD_BYTES * wordCount);
  words[0] = lists.length;
  let checkWord = 1 + LIST_WORDS * lists.length;
  let offset = 0;
  for (const [index, { bytes, checks }] of lists.entries()) {
    words[1 + LIST_WORDS * index] = bytes.length;
    words[2 + LIST_WORDS * index] = checks.length;
    for (const check of checks) {
      writeCheck(words, checkWord, check);
      checkWord += CHECK_WORDS;
    }
    payload.set(bytes, offset);
    offset += bytes.length;
  }
  return job;
}

/** The lists of a job that `packJob` made; their bytes are views into it. */
export function unpackJob(job: ArrayBuffer): CheckList[] {
  const listCount = new Int32Array(job, 0, 1)[0] ?? 0;
  const sizes = new Int32Array(job, WORD_BYTES, LIST_WORDS * listCount);
  let checkOffset = WORD_BYTES * (1 + LIST_WORDS * listCount);
  let payloadOffset = checkOffset;
  for (let index = 0; index < listCount; index += 1) {
    payloadOffset += WORD_BYTES * CHECK_WORDS * (sizes[LIST_WORDS * index + 1] ?? 0);
  }
  const lists: CheckList[] = [];
  for (let index = 0; index < listCount; index += 1) {
    const byteLength = sizes[LIST_WORDS * index] ?? 0;
    const checkCount = sizes[LIST_WORDS * index + 1] ?? 0;
    const words = new Int32Array(job, checkOffset, CHECK_WORDS * checkCount);
    const bytes = new Uint8Array(job, payloadOffset, byteLength);
    lists.push({ bytes, checks: readChecks(words, checkCount) });
    checkOffset += words.byteLength;
    payloadOffset += byteLength;
  }
  return lists;
}

/** Copies verdicts into one answer, a fresh buffer to transfer. */
export function packAnswer(verdicts: readonly Verdict[]): ArrayBuffer {
  let checkCount = 0;
  let digestCount = 0;
  for (const { passed, digests } of verdicts) {
    checkCount += passed.length;
    digestCount += digests.length;
  }
  const answer = new Uint8Array(checkCount + DIGEST_BYTES * digestCount);
  let offset = 0;
  for (const { passed } of verdicts) {
    answer.set(passed, offset);
    offset += passed.length;
  }
  for (const { digests } of verdicts) {
    for (const digest of digests) {
      answer.set(digest, offset);
      offset += DIGEST_BYTES;
    }
  }
  return answer.buffer;
}

/**
 * The verdicts of an answer to the job that held `lists`. Everything is copied out: a digest that
 * the log keeps for long must not keep the whole answer.
 */
export function unpackAnswer(answer: ArrayBuffer, lists: readonly CheckList[]): Verdict[] {
  const bytes = new Uint8Array(answer);
  let passedOffset = 0;
  let digestOffset = 0;
  for (const { checks } of lists) digestOffset += checks.length;
  const verdicts: Verdict[] = [];
  for (const { checks } of lists) {
    const passed = bytes.slice(passedOffset, passedOffset + checks.length);
    passedOffset += checks.length;
    const digests: Digest[] = [];
    for (const [index, check] of checks.entries()) {
      if (passed[index] !== 1 || !computesDigest(check)) continue;
      digests.push(bytes.slice(digestOffset, digestOffset + DIGEST_BYTES));
      digestOffset += DIGEST_BYTES;
    }
    verdicts.push({ passed, digests });
  }
  assert(digestOffset === bytes.length, "the answer belongs to these lists");
  return verdicts;
}

function computesDigest(check: Check): boolean {
  return check.kind === "digest" || check.kind === "digest-of-digests";
}

function writeCheck(words: Int32Array, at: number, check: Check): void {
  switch (check.kind) {
    case "mac":
      words.set([KIND_MAC, check.key, check.start, check.end, check.tag], at);
      return;
    case "digest":
      words.set([KIND_DIGEST, check.domain, check.start, check.end], at);
      return;
    case "digest-of-digests":
      words.set([KIND_DIGEST_OF_DIGESTS, check.domain, check.first, check.count], at);
      return;
    case "signature":
      words.set([KIND_SIGNATURE, check.key, check.digest, check.signature], at);
      return;
    case "digest-mac":
      words.set([KIND_DIGEST_MAC, check.key, check.digest, check.tag], at);
      return;
    default:
      unreachable(check);
  }
}

function readChecks(words: Int32Array, checkCount: number): Check[] {
  const checks: Check[] = [];
  for (let index = 0; index < checkCount; index += 1) {
    const [kind = -1, a = 0, b = 0, c = 0, d = 0] = words.subarray(CHECK_WORDS * index);
    checks.push(checkOf(kind, a, b, c, d));
  }
  return checks;
}

function checkOf(kind: number, a: number, b: number, c: number, d: number): Check {
  switch (kind) {
    case KIND_MAC:
      return { kind: "mac", key: a, start: b, end: c, tag: d };
    case KIND_DIGEST:
      return { kind: "digest", domain: a as Domain, start: b, end: c };
    case KIND_DIGEST_OF_DIGESTS:
      return { kind: "digest-of-digests", domain: a as Domain, first: b, count: c };
    case KIND_DIGEST_MAC:
      return { kind: "digest-mac", key: a, digest: b, tag: c };
    default:
      assert(kind === KIND_SIGNATURE, "the job holds checks");
      return { kind: "signature", key: a, digest: b, signature: c };
  }
}
