/*
 * A client of the registry in names.js:
 *
 *   node examples/names-client.js DIR CLIENT register|pass-on|owner NAME [TO]
 */
import { createServiceClient, loadClientKey, loadCrypto, loadGenesis } from "pbft-ledger";

const [dir = "names", who = "teller", verb = "owner", name = "alpha", to] = process.argv.slice(2);
const genesis = loadGenesis(dir);
const { provider } = await loadCrypto(process.env);
const key = loadClientKey(dir, genesis, who, provider);
const client = await createServiceClient({ genesis, key, service: "names" });

const operation = new TextEncoder().encode(JSON.stringify({ verb, name, to }));
const outcome = verb === "owner" ? await client.query(operation) : await client.invoke(operation);
if (outcome.ok) console.log(new TextDecoder().decode(outcome.result), `(${outcome.path})`);
else console.error(`no result: ${outcome.code}`);
process.exitCode = outcome.ok ? 0 : 1;
await client.close();
