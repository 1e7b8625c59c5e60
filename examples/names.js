/*
 * A service of one's own: a registry in which whoever registers a name first owns it, and only its
 * owner can pass it on. Operations and results are JSON.
 *
 *   npx pbft-ledger init names --service examples/names.js --clients 2
 *   npx pbft-ledger up names --service examples/names.js
 *   node examples/names-client.js names client-1 register alpha      # in another terminal
 */
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @param {unknown} value */
function encode(value) {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Throws for what is no JSON: the operation then fails, at every replica.
 * @param {Uint8Array} bytes
 */
function decode(bytes) {
  return JSON.parse(utf8.decode(bytes));
}

/** @type {import("pbft-ledger").EntryService} */
const names = {
  name: "names",

  execute(state, operation, caller) {
    const { verb, name, to } = decode(operation);
    const entry = state.get(name);
    const owner = entry === null ? null : decode(entry);
    if (verb === "register" && owner === null) {
      state.set(name, encode(caller.name));
      return encode({ ok: true, owner: caller.name });
    }
    if (verb === "pass-on" && owner === caller.name) {
      state.set(name, encode(String(to)));
      return encode({ ok: true, owner: String(to) });
    }
    return encode({ ok: false, owner });
  },

  query(state, operation) {
    const entry = state.get(decode(operation).name);
    return encode({ ok: true, owner: entry === null ? null : decode(entry) });
  },
};

export default names;
