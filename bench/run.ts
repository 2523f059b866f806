// `npm run bench [throughput] [schedules] [lateness] [upload]`: measures side by side, and prints tables in Markdown.
import { availableParallelism, release } from "node:os";
import { lateness } from "./lateness.js";
import { schedules } from "./schedules.js";
import { throughput } from "./throughput.js";
import { upload } from "./upload.js";

const BENCHES = { throughput, schedules, lateness, upload };

console.log(`${availableParallelism()} processors, Linux ${release()}, Node ${process.versions.node}\n`);
const wanted = process.argv.slice(2);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length === 0 || wanted.includes(name)) await bench();
}
