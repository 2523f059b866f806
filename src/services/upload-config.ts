// Reads the `config` part of an upload: JSON text, checked, with everything that can be said of it.
import type { Fault } from "../errors.js";
import type { ReceivedFile } from "../handlers/artifact-store/artifact-store.js";
import { parseBatchConfig, type BatchConfig } from "../models/batch-config.js";
import { neverFires } from "../models/cron-expression.js";
import type { Finding } from "../models/finding.js";
import { spanInWords } from "../models/instant-words.js";
import { readJson } from "../models/json.js";
import { batchNameSchema, foldName } from "../models/name.js";
import { scheduleOfKeys, type ScheduleKeys } from "../models/schedule-keys.js";
import { shortestPause } from "../models/schedule-pace.js";
import { configFinding } from "./refusal.js";

const MAX_BATCHES = 100;
/** In all configs together: the schema looks at every one. */
const MAX_KEYS = 5000;
/** A schedule that is due more often than this is worth a word. */
const OFTEN_MS = 60_000;

/** What configs are held against. */
export interface ConfigRules {
  /** In ms since 1970. */
  now: number;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
  /** After which instant `at` must lie; left out: after now. */
  atAfter?: number;
}

/** The configs of an upload, as far as they could be read. */
export interface ReadConfigs {
  /** In the order of the upload; null where one cannot be used. */
  configs: (BatchConfig | null)[];
  /** The names that they give, even those that cannot be used otherwise. */
  names: { name: string; pointer: string }[];
  findings: Finding[];
}

/** The same for a chain, with the archive of each config. */
export interface ReadChain extends ReadConfigs {
  /** In the order of the configs; undefined where there is none. */
  archives: (ReceivedFile | undefined)[];
}

/** The one config of a single upload. */
export function readConfig(text: string, rules: ConfigRules): ReadConfigs {
  const document = readDocument(text);
  if ("findings" in document) return { configs: [null], names: [], findings: document.findings };
  if (!Array.isArray(document.value)) return readAll([document.value], () => "", rules);
  const message = "is an array: upload several batches as a chain, with POST /api/v1/chains";
  return { configs: [null], names: [], findings: [configFinding({ pointer: "", message })] };
}

/** The configs of a chain, each paired with its archive. */
export function readChain(text: string, files: ReceivedFile[], rules: ConfigRules): ReadChain {
  const document = readDocument(text);
  if ("findings" in document) return { configs: [null], names: [], archives: files, findings: document.findings };
  const { value } = document;
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_BATCHES) {
    const message = `must be an array of 1 to ${MAX_BATCHES} configs, in the order of the chain`;
    return { configs: [null], names: [], archives: files, findings: [configFinding({ pointer: "", message })] };
  }
  const read = readAll(value, (i) => `/${i}`, rules);
  const scripts = value.map((raw: unknown) => textOf(raw, "script"));
  const faults = [...sameNames(read.names), ...pairingFaults(scripts, files)];
  const archives = scripts.map((script) => files.find((file) => script !== null && pairs(script, file)));
  return { ...read, archives, findings: [...read.findings, ...faults.map((fault) => configFinding(fault))] };
}

/** Checks one config that came as a document, or a document and what it was made of. */
export function checkConfig(
  raw: unknown,
  pointer: string,
  rules: ConfigRules,
): { config: BatchConfig | null; findings: Finding[] } {
  const parsed = parseBatchConfig(raw, pointer, rules.atAfter ?? rules.now);
  if (!parsed.ok) {
    const isNever = (fault: Fault) => fault.pointer === `${pointer}/cron` && neverFires(textOf(raw, "cron") ?? "");
    const codeOf = (fault: Fault) => (isNever(fault) ? "never_fires" : undefined);
    return { config: null, findings: parsed.faults.map((fault) => configFinding(fault, codeOf(fault))) };
  }
  return { config: parsed.config, findings: paceFindings(parsed.config, pointer, rules) };
}

function readAll(raws: unknown[], pointerOf: (index: number) => string, rules: ConfigRules): ReadConfigs {
  const checked = raws.map((raw, i) => checkConfig(raw, pointerOf(i), rules));
  const names = raws.flatMap((raw, i) => {
    const name = batchNameSchema.safeParse(textOf(raw, "name") ?? textOf(raw, "jobName"));
    return name.success ? [{ name: name.data, pointer: `${pointerOf(i)}/name` }] : [];
  });
  return { configs: checked.map(({ config }) => config), names, findings: checked.flatMap(({ findings }) => findings) };
}

function readDocument(text: string): { value: unknown } | { findings: Finding[] } {
  const reading = readJson(text, { maxKeys: MAX_KEYS });
  if (reading.ok) return { value: reading.document };
  const mend = "Write the config as one JSON document that has a single meaning.";
  return { findings: reading.faults.map(({ code, ...fault }) => configFinding(fault, code, mend)) };
}

/** A text member of something that may be no object at all; null if it has none. */
function textOf(raw: unknown, key: string): string | null {
  const value = typeof raw === "object" && raw !== null ? (raw as Record<string, unknown>)[key] : undefined;
  return typeof value === "string" ? value : null;
}

/** Whether a schedule is due more often than is allowed, or than most people mean. */
export function paceFindings(keys: ScheduleKeys, pointer: string, { now, minIntervalMs }: ConfigRules): Finding[] {
  const schedule = scheduleOfKeys(keys);
  const pause = schedule && shortestPause(schedule, now);
  if (pause === null || pause >= Math.max(OFTEN_MS, minIntervalMs)) return [];
  const at = `${pointer}/${keys.cron === undefined ? "every" : "cron"}`;
  const often = `is due as often as every ${spanInWords(pause)}`;
  if (pause < minIntervalMs) {
    const message = `${often}; at most once in ${spanInWords(minIntervalMs)} is allowed here (MIN_INTERVAL)`;
    return [configFinding({ pointer: at, message }, "too_frequent", "Choose a slower rhythm, or let one run do more.")];
  }
  const fix = "Leave out the seconds if once a minute is enough.";
  return [
    {
      ...configFinding({ pointer: at, message: `${often}, and each run leaves a row` }, "frequent", fix),
      level: "warning",
    },
  ];
}

function sameNames(names: ReadConfigs["names"]): Fault[] {
  const seen = new Map<string, string>();
  return names.flatMap(({ name, pointer }): Fault[] => {
    const first = seen.get(foldName(name));
    if (first !== undefined) return [{ pointer, message: `"${name}" is the name of config ${first} too` }];
    seen.set(foldName(name), pointer.split("/")[1] ?? "");
    return [];
  });
}

const withoutZip = (name: string) => name.normalize("NFC").replace(/\.zip$/i, "");

function pairs(script: string, file: ReceivedFile): boolean {
  return withoutZip(script) === withoutZip(file.name);
}

/** Every config names its archive, every archive is named, and none twice. */
function pairingFaults(scripts: (string | null)[], files: ReceivedFile[]): Fault[] {
  const faults: Fault[] = [];
  if (scripts.length !== files.length) {
    faults.push({ pointer: "", message: `there are ${scripts.length} configs but ${files.length} archives` });
  }
  const claimed = new Map<string, number>();
  scripts.forEach((script, i) => {
    const pointer = `/${i}/script`;
    if (script === null) {
      faults.push({ pointer, message: "is missing: in a chain it names the archive that belongs to this config" });
      return;
    }
    const key = withoutZip(script);
    const other = claimed.get(key);
    if (other !== undefined) {
      faults.push({ pointer, message: `names the archive "${script}", which config ${other} has claimed already` });
    } else if (!files.some((file) => pairs(script, file))) {
      faults.push({ pointer, message: `names the archive "${script}", which is not among the uploaded ones` });
    }
    claimed.set(key, i);
  });
  files.forEach(({ name }, i) => {
    const pointer = `batches[${i}]`;
    if (files.findIndex((file) => withoutZip(file.name) === withoutZip(name)) < i) {
      faults.push({ pointer, message: `the archive "${name}" was sent twice under that name` });
    } else if (!claimed.has(withoutZip(name))) {
      faults.push({ pointer, message: `no config's script names the archive "${name}"` });
    }
  });
  return faults;
}
