/*
 * BLAKE2b-512 (RFC 7693) as a WebAssembly module, which is put together here: an array of bytes
 * could not be read.
 */

/** By round, the order in which it takes the words of a block; rounds 10 and 11 are 0 and 1. */
const SIGMA = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
  [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
  [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
  [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
  [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
  [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
  [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
  [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
  [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
  [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
] as const;

const ROUNDS = 12;

/** The columns and then the diagonals of the state that a round mixes. */
const MIXED = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;

const IV = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
] as const;

/** No key, a hash of 64 bytes, one node: the first word of the parameter block. */
const PARAMETERS = 0x01010040n;

/** Size of a block, and so of a prefix. */
export const BLOCK_BYTES = 128;
const WORD_BYTES = 8;
const HASH_WORDS = 8;

/** Size of what comes of a block, and of a hash. */
export const HASH_BYTES = WORD_BYTES * HASH_WORDS;

/**
 * Where in the module's memory what came of a block is, and in the end the hash. The input is at 0,
 * and is filled up to a block.
 */
export const HASH_OFFSET = 2_048;

/** Where what a hash begins with must be, from `blake2bStart`. */
export const START_OFFSET = HASH_OFFSET + HASH_BYTES;

/** From here on the memory is its user's. */
export const PLACES_OFFSET = START_OFFSET + HASH_BYTES;

/* Instructions of WebAssembly, as far as they are needed. */
const I32 = 0x7f;
const I64 = 0x7e;
const FUNCTION = 0x60;
const END = 0x0b;
const SELECT = 0x1b;
const I32_LESS_UNSIGNED = 0x49;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_AND = 0x71;
const I64_ADD = 0x7c;
const I64_XOR = 0x85;
const I64_ROTATE_RIGHT = 0x8a;
const I64_OF_U32 = 0xad;
const MEMORY_FILL = [0xfc, 11, 0] as const;
const ALIGNED_WORD = 3;

type Code = readonly number[];

/* The function's parameters and its variables. */
const BLOCK = 0;
const LENGTH = 1;
const FROM = 2;
const STATE_FIRST = 3;

function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: bigint): Code {
  const low = Number(value & 0x7fn);
  const rest = value >> 7n;
  const isLast = rest === (low < 0x40 ? 0n : -1n);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

const get = (variable: number): Code => [0x20, ...unsigned(variable)];
const put = (variable: number): Code => [0x21, ...unsigned(variable)];
const keep = (variable: number): Code => [0x22, ...unsigned(variable)];
const i32 = (value: number): Code => [0x41, ...signed(BigInt(value))];
const i64 = (value: bigint): Code => [0x42, ...signed(BigInt.asIntN(64, value))];
const load = (offset: number): Code => [0x29, ALIGNED_WORD, ...unsigned(offset)];
const store = (offset: number): Code => [0x37, ALIGNED_WORD, ...unsigned(offset)];
const state = (index: number): number => STATE_FIRST + index;
/** A word of what came of the blocks before. */
const loadTaken = (index: number): Code => [...get(FROM), ...load(WORD_BYTES * index)];

/** a ← a + b + word; d ← (d ⊕ a) ⋙ `turn`. */
function addAndTurn(
  [a, b, d]: readonly [number, number, number],
  word: number,
  turn: bigint,
): Code {
  return [
    ...[...get(a), ...get(b), I64_ADD, ...get(BLOCK), ...load(WORD_BYTES * word), I64_ADD],
    ...[...keep(a), ...get(d), I64_XOR, ...i64(turn), I64_ROTATE_RIGHT, ...put(d)],
  ];
}

/** c ← c + d; b ← (b ⊕ c) ⋙ `turn`. */
function addAndTurnBack([c, d, b]: readonly [number, number, number], turn: bigint): Code {
  return [
    ...[...get(c), ...get(d), I64_ADD, ...keep(c)],
    ...[...get(b), I64_XOR, ...i64(turn), I64_ROTATE_RIGHT, ...put(b)],
  ];
}

/** The function G of RFC 7693, section 3.1. */
function mix(places: readonly [number, number, number, number], x: number, y: number): Code {
  const [a, b, c, d] = [state(places[0]), state(places[1]), state(places[2]), state(places[3])];
  return [
    ...addAndTurn([a, b, d], x, 32n),
    ...addAndTurnBack([c, d, b], 24n),
    ...addAndTurn([a, b, d], y, 16n),
    ...addAndTurnBack([c, d, b], 63n),
  ];
}

function rounds(): Code {
  return Array.from({ length: ROUNDS }, (_, round) => {
    const order = SIGMA[round % SIGMA.length] ?? SIGMA[0];
    return MIXED.map((places, index) =>
      mix(places, order[2 * index] ?? 0, order[2 * index + 1] ?? 0),
    );
  }).flat(3);
}

const blockEnd: Code = [...get(BLOCK), ...i32(BLOCK_BYTES), I32_ADD];
const isBeforeEnd: Code = [...blockEnd, ...get(LENGTH), I32_LESS_UNSIGNED];

/** What the second half of the state begins with: bytes so far, and whether this is the last. */
function secondHalf(iv: bigint, index: number): Code {
  const place = put(state(HASH_WORDS + index));
  if (index === 4) {
    const bytesSoFar = [...blockEnd, ...get(LENGTH), ...isBeforeEnd, SELECT, I64_OF_U32];
    return [...bytesSoFar, ...i64(iv), I64_XOR, ...place];
  }
  if (index !== 6) return [...i64(iv), ...place];
  return [...i64(iv), ...i64(~iv), ...isBeforeEnd, SELECT, ...place];
}

/** The compression function of RFC 7693, section 3.2, for the block that `BLOCK` is at. */
function compress(): Code {
  const first = IV.map((_, index) => [...loadTaken(index), ...put(state(index))]);
  const result = IV.map((_, index) => {
    const halves = [...get(state(index)), I64_XOR, ...get(state(HASH_WORDS + index)), I64_XOR];
    const place = HASH_OFFSET + WORD_BYTES * index;
    return [...i32(0), ...loadTaken(index), ...halves, ...store(place)];
  });
  return [...first.flat(), ...IV.flatMap(secondHalf), ...rounds(), ...result.flat()];
}

/** Takes one block, of which zeros are what lies behind the end. */
function takeBlock(): Code {
  const toBlock = [...i32(0), ...get(LENGTH), I32_SUB, ...i32(BLOCK_BYTES - 1), I32_AND];
  return [...get(LENGTH), ...i32(0), ...toBlock, ...MEMORY_FILL, ...compress(), END];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

/** What the module exports. */
export interface Blake2bExports {
  /** Its memory. */
  readonly m: { readonly buffer: ArrayBuffer };
  /**
   * Takes the block at `block`, a multiple of its size, of the first `length` bytes of the memory,
   * `block` (excluded) to `HASH_OFFSET` (included), as what comes behind the blocks whose outcome,
   * 64 bytes, is at `from`. Puts what comes of it at `HASH_OFFSET`: the hash, if it is the last.
   */
  readonly b: (block: number, length: number, from: number) => void;
}

/** What a hash begins with, as it is to be put at `START_OFFSET`: 64 bytes. */
export function blake2bStart(): Uint8Array {
  const start = new DataView(new ArrayBuffer(HASH_BYTES));
  for (const [index, iv] of IV.entries()) {
    const isLittleEndian = true;
    start.setBigUint64(WORD_BYTES * index, index === 0 ? iv ^ PARAMETERS : iv, isLittleEndian);
  }
  return new Uint8Array(start.buffer);
}

/** The module's bytes, with a memory of so many pages of 64 KiB, 1 to 65,536 (included). */
export function blake2bModule(memoryPages: number): Uint8Array<ArrayBuffer> {
  const parameters = vector([[I32], [I32], [I32]]);
  const body = [...vector([[2 * HASH_WORDS, I64]]), ...takeBlock()];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [[FUNCTION, ...parameters, ...vector([])]]),
    ...section(3, [[0]]),
    ...section(5, [[0, ...unsigned(memoryPages)]]),
    ...section(7, [
      [1, 0x6d, 2, 0],
      [1, 0x62, 0, 0],
    ]),
    ...section(10, [[...unsigned(body.length), ...body]]),
  ]);
}
