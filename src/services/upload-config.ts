// Reads the `config` part of an upload: JSON text, checked, with every fault found.
import { AppError, type Fault } from "../errors.js";
import { parseBatchConfig, type BatchConfig } from "../models/batch-config.js";
import { jsonRefusal, readJson } from "../models/json.js";
import { foldName } from "../models/name.js";
import type { ReceivedFile, Upload } from "./registration.js";

const MAX_BATCHES = 100;
/** In all configs together: the schema looks at every one. */
const MAX_KEYS = 5000;

function refused(errors: Fault[]): AppError {
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const message = first ? `The config cannot be used: ${first.pointer || "it"} ${first.message}${more}.` : "";
  return new AppError("invalid", message, { reason: "invalid_config", errors });
}

function parseJson(text: string): unknown {
  const reading = readJson(text, { maxKeys: MAX_KEYS });
  if (!reading.ok) throw jsonRefusal("config", reading.faults);
  return reading.document;
}

/** The one config of a single upload. @throws AppError `invalid` with every fault */
export function readConfig(text: string, now: number): BatchConfig {
  const raw = parseJson(text);
  if (Array.isArray(raw)) {
    const message = "is an array: upload several batches as a chain, with POST /api/v1/chains";
    throw refused([{ pointer: "", message }]);
  }
  const parsed = parseBatchConfig(raw, "", now);
  if (!parsed.ok) throw refused(parsed.faults);
  return parsed.config;
}

/** The configs of a chain, each paired with its archive. @throws AppError `invalid` with every fault of all of them */
export function readChain(text: string, files: ReceivedFile[], now: number): Upload[] {
  const raw = parseJson(text);
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > MAX_BATCHES) {
    throw refused([
      { pointer: "", message: `must be an array of 1 to ${MAX_BATCHES} configs, in the order of the chain` },
    ]);
  }
  const parsed = raw.map((one: unknown, i) => parseBatchConfig(one, `/${i}`, now));
  const faults = parsed.flatMap((one) => (one.ok ? [] : one.faults));
  if (faults.length > 0) throw refused(faults);
  const configs = parsed.flatMap((one) => (one.ok ? [one.config] : []));
  faults.push(...sameNames(configs), ...pairingFaults(configs, files));
  if (faults.length > 0) throw refused(faults);
  return configs.map((config) => ({ config, file: files.find((file) => pairs(config, file)) as ReceivedFile }));
}

function sameNames(configs: BatchConfig[]): Fault[] {
  const seen = new Map<string, number>();
  return configs.flatMap(({ name }, i): Fault[] => {
    const first = seen.get(foldName(name));
    if (first !== undefined)
      return [{ pointer: `/${i}/name`, message: `"${name}" is the name of config ${first} too` }];
    seen.set(foldName(name), i);
    return [];
  });
}

const withoutZip = (name: string) => name.normalize("NFC").replace(/\.zip$/i, "");

function pairs(config: BatchConfig, file: ReceivedFile): boolean {
  return config.script !== undefined && withoutZip(config.script) === withoutZip(file.name);
}

/** Every config names its archive, every archive is named, and none twice. */
function pairingFaults(configs: BatchConfig[], files: ReceivedFile[]): Fault[] {
  const faults: Fault[] = [];
  if (configs.length !== files.length) {
    faults.push({ pointer: "", message: `there are ${configs.length} configs but ${files.length} archives` });
  }
  const claimed = new Map<string, number>();
  configs.forEach((config, i) => {
    const pointer = `/${i}/script`;
    if (config.script === undefined) {
      faults.push({ pointer, message: "is missing: in a chain it names the archive that belongs to this config" });
      return;
    }
    const key = withoutZip(config.script);
    const other = claimed.get(key);
    if (other !== undefined) {
      faults.push({
        pointer,
        message: `names the archive "${config.script}", which config ${other} has claimed already`,
      });
    } else if (!files.some((file) => pairs(config, file))) {
      faults.push({ pointer, message: `names the archive "${config.script}", which is not among the uploaded ones` });
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
