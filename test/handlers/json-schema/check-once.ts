// A program that checks one payload, prints what is wrong with it, and ends without closing anything.
import { SchemaChecker } from "../../../src/handlers/json-schema/schema-checker.js";

const schema = { properties: { host: { format: "idn-hostname" } } };
console.log(JSON.stringify(await new SchemaChecker().validate(schema, { host: "a..b" })));
