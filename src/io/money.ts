import { BALANCE_MAX } from "../core/ledger/account-row.js";

/*
 * Money as people write it. Inside the system it is a 64-bit integer of minor units (cents), and
 * nothing here passes through a floating-point number on the way.
 */

const MONEY_PATTERN = /^(\d{1,19})(?:\.(\d{1,2}))?$/;
const MINOR_UNITS_PER_UNIT = 100n;

/**
 * Minor units of `text`: digits, then at most two decimals after a point; 0 (included) to
 * `BALANCE_MAX` (included). Null for everything else: signs, exponents, thousands separators,
 * spaces.
 */
export function parseMoney(text: string): bigint | null {
  const match = MONEY_PATTERN.exec(text);
  if (match === null) return null;
  const [, units = "", decimals = ""] = match;
  const minorUnits = BigInt(units) * MINOR_UNITS_PER_UNIT + BigInt(decimals.padEnd(2, "0"));
  return minorUnits <= BALANCE_MAX ? minorUnits : null;
}

/** `minorUnits` (0 and up) with exactly two decimals: 30000n is "300.00". */
export function formatMoney(minorUnits: bigint): string {
  const decimals = (minorUnits % MINOR_UNITS_PER_UNIT).toString().padStart(2, "0");
  return `${(minorUnits / MINOR_UNITS_PER_UNIT).toString()}.${decimals}`;
}
