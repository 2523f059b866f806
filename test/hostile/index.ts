// The hostile list: every request that must be refused, with what must be said of it.
import { CONFIGS } from "./configs.js";
import { WAYS, withConfig, withZip, type HostileInput, type Way } from "./hostile-input.js";
import { BODIES, CONFIG_BYTES, JSON_CONFIGS } from "./json-texts.js";
import { JSON_SCHEMAS } from "./json-schemas.js";
import { MULTIPARTS } from "./multiparts.js";
import { SCHEDULES } from "./schedules.js";
import { TRIGGERS } from "./triggers.js";
import { ZIP_ARCHIVES } from "./zip-archives.js";
import { ZIP_ENTRIES } from "./zip-entries.js";
import { ZIP_NAMES } from "./zip-names.js";

export { BASE, GOOD_ZIP, SCRIPT, uploadOf, type HostileInput, type HostileRequest } from "./hostile-input.js";
export { FREQUENT } from "./schedules.js";
export { HANG_UPS, WHOLE_UPLOAD } from "./multiparts.js";

/** The three ways in by turns. */
const way = (i: number): Way => WAYS[i % WAYS.length] ?? "batches";
/** A batch that follows another has no schedule, so that way would add a fault. */
const wayOfHead = (i: number): Way => (i % 2 === 0 ? "batches" : "chains");

/** By what they are about. */
export const HOSTILE_GROUPS: Record<string, HostileInput[]> = {
  archives: [...ZIP_NAMES, ...ZIP_ENTRIES, ...ZIP_ARCHIVES].map((zip, i) => withZip(zip, way(i))),
  configs: [...[...CONFIGS, ...JSON_CONFIGS].map((config, i) => withConfig(config, wayOfHead(i))), ...CONFIG_BYTES],
  schedules: SCHEDULES.map((schedule, i) => withConfig(schedule, wayOfHead(i))),
  "bodies of requests": BODIES,
  schemas: JSON_SCHEMAS,
  "forms and addresses": MULTIPARTS,
  "triggers, schemas and firings": TRIGGERS,
};

export const HOSTILE: HostileInput[] = Object.values(HOSTILE_GROUPS).flat();
