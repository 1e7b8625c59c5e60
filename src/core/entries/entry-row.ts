/** Largest key of an entry, in bytes of UTF-8 (included). */
export const ENTRY_KEY_BYTES_MAX = 255;

/** Largest value of an entry, in bytes (included): 8 of them are a page, which is sent as one. */
export const ENTRY_VALUE_BYTES_MAX = 8_192;

/** Most slots, free ones included: what a store's INTEGER and a page's number can say. */
export const ENTRY_SLOTS_MAX = 16_777_216;

/** Rows that can't be a service's state. */
export class EntryRowError extends Error {
  override readonly name = "EntryRowError";
}

/** One slot of a service's state, as a store keeps it. */
export interface EntryRow {
  /** 0 and up, without a gap. */
  readonly slot: number;
  /** 1 to `ENTRY_KEY_BYTES_MAX` bytes of UTF-8, unlike that of any other slot; "" if it is free. */
  readonly key: string;
  /** 0 to `ENTRY_VALUE_BYTES_MAX` bytes; none if the slot is free. */
  readonly value: Uint8Array;
}
