import { formatMoney } from "../../io/money.js";
import type { Deposit } from "./deposit-load.js";

/**
 * Checks that an account which was opened empty saw each of `deposits` exactly once, and nothing
 * else. Every answer names the balance that its deposit left. If, in the order of balances, each
 * deposit found what the one before left, and the last left what the account holds, then there is
 * no room for a deposit that was lost, applied twice or never sent.
 * @param held what the account holds now, in minor units.
 * @returns null when all is well, else a clause that says where the chain breaks.
 */
export function chainFault(deposits: readonly Deposit[], held: bigint): string | null {
  let balance = 0n;
  const inOrder = [...deposits].sort((left, right) => (left.balance < right.balance ? -1 : 1));
  for (const deposit of inOrder) {
    const found = deposit.balance - deposit.amount;
    if (found !== balance) {
      const amount = formatMoney(deposit.amount);
      return `a deposit of ${amount} found ${money(found)}, not the ${money(balance)} before it`;
    }
    balance = deposit.balance;
  }
  if (held === balance) return null;
  return `the account holds ${money(held)}, the acknowledged deposits add up to ${money(balance)}`;
}

function money(minorUnits: bigint): string {
  return minorUnits < 0n ? `-${formatMoney(-minorUnits)}` : formatMoney(minorUnits);
}
