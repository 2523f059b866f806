// The thread that compiles schemas and looks at payloads, one after the other, for as long as it is let live.
import { parentPort } from "node:worker_threads";
import { DRAFTS } from "../../models/json-schema-parts.js";
import { RecentCache } from "../../models/recent-cache.js";
import { compileSchema, type CompiledSchema } from "./compiled-schema.js";
import type { SchemaAnswer, SchemaOrder } from "./schema-checker.js";

/** Schemas are bounded; so many of the largest take a third of the thread's memory. */
const KEPT = 64;

const compiled = new RecentCache<string, Promise<CompiledSchema>>(KEPT);

async function carryOut({ schema, payload }: SchemaOrder): Promise<SchemaAnswer> {
  const validator = await compiled.getOrMake(schema, (text) => compileSchema(JSON.parse(text)));
  if (!validator.ok) return { about: "schema", faults: validator.faults };
  const faults = payload === null ? [] : validator.faultsIn(JSON.parse(payload));
  return { about: "payload", faults };
}

// The validator prints host names that it does not like; what is in payloads is no business of the service's output.
console.log = () => undefined;

parentPort?.on("message", (order: SchemaOrder) => {
  void carryOut(order).then((answer) => parentPort?.postMessage(answer));
});
// Nobody's schema is to pay for what every first one of a draft takes.
for (const $schema of DRAFTS) await compileSchema({ $schema });
parentPort?.postMessage("ready");
