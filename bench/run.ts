// `npm run bench [name ...]`: measures everything, or what is named, side by side, and prints tables in Markdown.
import { availableParallelism, release } from "node:os";
import { capture } from "./capture.js";
import { firing } from "./firing.js";
import { events } from "./events.js";
import { hostile } from "./hostile.js";
import { lateness } from "./lateness.js";
import { live } from "./live.js";
import { logSearch } from "./log-search.js";
import { memory } from "./memory.js";
import { schemas } from "./schemas.js";
import { schedules } from "./schedules.js";
import { stall } from "./stall.js";
import { start } from "./start.js";
import { throughput } from "./throughput.js";
import { upload } from "./upload.js";

const BENCHES = {
  throughput,
  schedules,
  lateness,
  upload,
  memory,
  start,
  capture,
  stall,
  hostile,
  firing,
  schemas,
  events,
  live,
  logSearch,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in BENCHES));
if (unknown.length > 0)
  throw new Error(`There is no ${unknown.join(", ")}; choose of ${Object.keys(BENCHES).join(", ")}.`);
console.log(`${availableParallelism()} processors, Linux ${release()}, Node ${process.versions.node}\n`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
