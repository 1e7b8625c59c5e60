import { isIP } from "node:net";
import { hexOf } from "../core/base/bytes.js";
import type { GenesisFile } from "./config-schema.js";

/** What no single field shows: the first rule between fields that is broken, as a sentence. */
export function contradictionIn(genesis: GenesisFile): string | null {
  return (
    replicaContradiction(genesis) ??
    clientContradiction(genesis) ??
    accountContradiction(genesis) ??
    serviceContradiction(genesis) ??
    keyContradiction(genesis) ??
    settingsContradiction(genesis.settings)
  );
}

function replicaContradiction({ replicas }: GenesisFile): string | null {
  const misplaced = replicas.findIndex((replica, index) => replica.id !== index);
  if (misplaced >= 0) {
    return `field replicas[${misplaced}].id must be ${misplaced}: ids count up from 0`;
  }
  const [first] = replicas;
  const mixed = replicas.find((replica) => isIP(replica.host) !== isIP(first?.host ?? ""));
  if (mixed !== undefined) return "the replicas' hosts must be all IPv4 or all IPv6";
  const twice = duplicate(replicas.map(({ host, port }) => `${host} port ${port}`));
  return twice === null ? null : `two replicas have the same address, ${twice}`;
}

function clientContradiction({ clients }: GenesisFile): string | null {
  if (clients[0]?.role !== "teller") return "the first client must be a teller";
  const twice = duplicate(clients.map((client) => client.name));
  return twice === null ? null : `two clients have the same name, "${twice}"`;
}

function accountContradiction({ accounts, clients }: GenesisFile): string | null {
  const names = new Set(clients.map((client) => client.name));
  let previous = 0;
  for (const { customerId, account, owner } of accounts) {
    if (customerId <= previous) return `customer ids must increase, but ${customerId} does not`;
    if (owner !== null && !names.has(owner))
      return `account "${account}" has an unknown owner, "${owner}"`;
    previous = customerId;
  }
  const twice = duplicate(accounts.map((account) => account.account));
  return twice === null ? null : `two customers have the same account, "${twice}"`;
}

function serviceContradiction({ service, accounts }: GenesisFile): string | null {
  if (service === undefined || accounts.length === 0) return null;
  return `the service "${service}" has no accounts, but field accounts lists some`;
}

function keyContradiction({ replicas, clients }: GenesisFile): string | null {
  const everybody = [...replicas, ...clients];
  const signing = duplicate(everybody.map(({ signKey }) => hexOf(signKey)));
  const exchange = duplicate(everybody.map(({ exchangeKey }) => hexOf(exchangeKey)));
  const twice = signing ?? exchange;
  return twice === null ? null : `two identities have the same public key, ${twice}`;
}

function settingsContradiction(settings: GenesisFile["settings"]): string | null {
  if (settings.windowSlots < 2 * settings.checkpointIntervalSlots) {
    return "field settings.windowSlots must be at least twice settings.checkpointIntervalSlots";
  }
  if (settings.windowSlots % settings.checkpointIntervalSlots !== 0) {
    return "field settings.windowSlots must be a multiple of settings.checkpointIntervalSlots";
  }
  if (settings.viewChangeTicks <= 2 * settings.stalledStatusTicks) {
    return "field settings.viewChangeTicks must be more than twice settings.stalledStatusTicks";
  }
  if (settings.viewChangeTicksMax < settings.viewChangeTicks) {
    return "field settings.viewChangeTicksMax must not be below settings.viewChangeTicks";
  }
  if (settings.idleStatusTicks < settings.stalledStatusTicks) {
    return "field settings.idleStatusTicks must not be below settings.stalledStatusTicks";
  }
  return null;
}

/** The first text that stands twice in `texts`, or null. */
function duplicate(texts: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const text of texts) {
    if (seen.has(text)) return text;
    seen.add(text);
  }
  return null;
}
