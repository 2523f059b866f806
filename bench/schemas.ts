// Payloads held against a JSON Schema in the thread made for it, and in the one that asks: the price of not being stalled.
import { compileSchema } from "../src/handlers/json-schema/compiled-schema.js";
import { SchemaChecker } from "../src/handlers/json-schema/schema-checker.js";
import { scaled } from "./scale.js";
import { median, round, table } from "./statistics.js";

const ROUNDS = 5;
const AT_ONCE = 16;
const ITEMS = 1000;

const order = {
  type: "object",
  required: ["id", "name", "items"],
  additionalProperties: false,
  properties: {
    id: { type: "integer", minimum: 1 },
    name: { type: "string", minLength: 1, maxLength: 100, pattern: "^[A-Za-z ]+$" },
    kind: { enum: ["full", "partial"] },
    items: { type: "array", items: { $ref: "#/$defs/item" } },
  },
  $defs: {
    item: { type: "object", required: ["sku"], properties: { sku: { type: "string" }, count: { type: "integer" } } },
  },
};

const itemsOf = (count: number) => Array.from({ length: count }, (_, n) => ({ sku: `sku-${n}`, count: n }));
const payloadOf = (count: number) => ({ id: 1, name: "an order", kind: "full", items: itemsOf(count) });

const LOADS = [
  { name: "a small payload", payload: payloadOf(2), count: scaled(20_000) },
  { name: "one that does not fit", payload: { ...payloadOf(2), id: "1", more: true }, count: scaled(20_000) },
  { name: `one with ${ITEMS} items`, payload: payloadOf(ITEMS), count: scaled(500) },
];

async function perSecond(count: number, work: () => Promise<void> | void): Promise<number> {
  const begun = performance.now();
  await work();
  return (count / (performance.now() - begun)) * 1000;
}

/** As requests come: some at once. */
async function throughThread(checker: SchemaChecker, payload: object, count: number): Promise<void> {
  let left = count;
  const client = async () => {
    while (left-- > 0) await checker.validate(order, payload);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
}

export async function schemas(): Promise<void> {
  const checker = new SchemaChecker();
  const begun = performance.now();
  await checker.check({});
  const first = performance.now() - begun;
  const here = await compileSchema(order);
  if (!here.ok) throw new Error("The schema of this bench cannot be compiled.");
  const rows: string[][] = [];
  for (const { name, payload, count } of LOADS) {
    const rounds: { thread: number; here: number }[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      rounds.push({
        thread: await perSecond(count, () => throughThread(checker, payload, count)),
        here: await perSecond(count, () => {
          for (let n = 0; n < count; n++) here.faultsIn(payload);
        }),
      });
    }
    const inThread = median(rounds.map((each) => each.thread));
    const inPlace = median(rounds.map((each) => each.here));
    rows.push([name, round(inThread), round(inPlace), round(inPlace / inThread, 2)]);
  }
  await checker.close();
  console.log(`## Payloads held against a schema (${AT_ONCE} at once; medians of ${ROUNDS} rounds, interleaved)\n`);
  table(["", "in the thread: 1/s", "where it is asked: 1/s", "ratio"], rows);
  console.log(`The first check, which starts the thread: ${round(first)} ms.\n`);
}
