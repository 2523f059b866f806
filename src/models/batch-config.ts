// The batch config: the JSON document that comes with a zip. Old key names are translated here and nowhere else.
import { z } from "zod";
import type { Fault } from "../errors.js";
import { alertsSchema } from "./alert.js";
import { RUN_ON, type RunOn } from "./chain.js";
import { batchNameSchema, foldName, noControlCharacters } from "./name.js";
import type { Schedule } from "./schedule.js";
import { pastInstant, scheduleKeys, scheduleOfKeys, waysGiven } from "./schedule-keys.js";
import { durationText, misfireSchema, retrySchema } from "./policies.js";
import { faultsOf } from "./faults.js";

/** Names that an older system gave to the same things. */
const OLDER_NAMES = new Map([
  ["jobName", "name"],
  ["jobDesc", "description"],
  ["independant", "independent"],
  ["prevBatchInput", "previousOutput"],
]);

/** Variables that would make bash or the loader run something else, or that bash will not take from outside. */
const FORBIDDEN_VARIABLE =
  /^(BATCHLINE_.*|LD_.*|BASH.*|ENV|IFS|PATH|PS4|SHELLOPTS|PROMPT_COMMAND|NODE_OPTIONS|UID|EUID|PPID|_)$/;
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1;

const noNul = z.string().refine((text) => !text.includes("\0"), "must not hold a NUL character");
const shellWord = noNul.refine(
  (text) => new TextEncoder().encode(text).length <= MAX_ARGUMENT_BYTES,
  "must be at most 128 KiB long",
);

/** The name of another batch. */
const otherName = z.string().min(1).max(128).refine(noControlCharacters, "must not hold control characters");
const batchNames = z.array(otherName).max(100).default([]);

const environment = z.record(z.string(), shellWord).superRefine((env, context) => {
  for (const name of Object.keys(env)) {
    const message = !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? "a variable's name holds letters, digits and underscores only and begins with no digit"
      : FORBIDDEN_VARIABLE.test(name)
        ? "this variable belongs to bash, to the system's loader or to the service; choose another name"
        : new TextEncoder().encode(`${name}=${env[name] ?? ""}`).length > MAX_ARGUMENT_BYTES
          ? "name and value together must be at most 128 KiB long"
          : null;
    if (message) context.addIssue({ code: "custom", path: [name], message });
  }
});

const shape = {
  name: batchNameSchema.meta({ description: "Unique name, upper and lower case alike, 1 to 128 characters." }),
  description: noNul.max(10_000).default("").meta({ description: "What the batch is for." }),
  ...scheduleKeys,
  script: z
    .string()
    .min(1)
    .max(255)
    .refine((name) => noControlCharacters(name) && !/[/\\]/.test(name), "must be an archive's plain file name")
    .optional()
    .meta({ description: "In an upload of several batches: the archive that belongs to this config." }),
  args: z.array(shellWord).max(1000).default([]).meta({ description: "Arguments of the script, each exactly one." }),
  env: environment.default({}).meta({ description: "Environment variables given to the script." }),
  independent: z.boolean().default(false).meta({ description: "Run even though the predecessor failed." }),
  previousOutput: z.boolean().default(false).meta({ description: "Receive the predecessor's output." }),
  runOn: z.enum(RUN_ON).optional().meta({ description: "Which result of the predecessor starts this batch." }),
  after: z
    .array(otherName)
    .min(1, "must name at least one batch; leave it out to follow the one before")
    .max(100)
    .optional()
    .meta({ description: "Names of the predecessors, if not simply the batch before." }),
  timeout: durationText.optional().meta({ description: "After this the whole process tree gets TERM." }),
  killAfter: durationText.default("10s").meta({ description: "So long after TERM it gets KILL." }),
  overlap: z
    .enum(["skip", "queue", "allow", "replace"])
    .default("skip")
    .meta({ description: "What to do if the batch is still running." }),
  concurrency: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .meta({ description: "How many of its executions may run at once: 1, or with overlap allow any number." }),
  retry: retrySchema.optional(),
  warningExitCodes: z
    .array(z.number().int().min(1).max(255))
    .max(255)
    .default([])
    .meta({ description: "Exit codes that mean: it finished, with a warning." }),
  misfire: misfireSchema
    .default("fire_once")
    .meta({ description: "What becomes of occurrences that could not start in time." }),
  misfireWithin: durationText
    .default("1m")
    .meta({ description: "Up to this an occurrence that starts late is on time." }),
  requires: batchNames.meta({ description: "Batches that must have completed at least once; else it is skipped." }),
  excludes: batchNames.meta({ description: "Batches that must not be active; else it is skipped." }),
  waitFor: batchNames.meta({
    description: "Batches whose run of the same period must have finished; until then it waits.",
  }),
  leftovers: z
    .enum(["end", "keep"])
    .default("end")
    .meta({ description: "What to do with processes that are left when its script has ended." }),
  alerts: alertsSchema.optional(),
};

/** The config with every default filled in. `runOn` is settled by `linkOptions`, the schedule by `scheduleOf`. */
export const batchConfigSchema = z
  .strictObject(shape)
  .superRefine((config, context) => {
    const given = waysGiven(config);
    if (given.length > 1) {
      const message = `give only one of ${given.join(", ")}: a batch has one schedule at most`;
      context.addIssue({ code: "custom", path: [given[1] ?? ""], message });
    }
    for (const key of ["requires", "excludes", "waitFor"] as const) {
      const own = config[key].findIndex((name) => foldName(name) === foldName(config.name));
      const message = `names the batch itself; name other batches`;
      if (own >= 0) context.addIssue({ code: "custom", path: [key, own], message });
    }
    if (config.independent && config.runOn !== undefined && config.runOn !== "always") {
      const message = `contradicts independent: true, which means runOn "always"; leave one of the two out`;
      context.addIssue({ code: "custom", path: ["runOn"], message });
    }
  })
  .meta({ id: "BatchConfig", description: "The JSON document that comes with a zip." });

export type BatchConfig = z.output<typeof batchConfigSchema>;
/** What a person writes: everything but the name may be left out. */
export type BatchConfigInput = z.input<typeof batchConfigSchema>;

export type ParsedConfig = { ok: true; config: BatchConfig } | { ok: false; faults: Fault[] };

/** Gives older key names their present ones; a key given under both names is a fault. */
function translateOlderNames(raw: Record<string, unknown>, pointer: string): { value: object; faults: Fault[] } {
  const faults: Fault[] = [];
  const entries = Object.entries(raw).map(([key, value]): [string, unknown] => {
    const present = OLDER_NAMES.get(key) ?? key;
    if (present !== key && Object.hasOwn(raw, present)) {
      faults.push({
        pointer: `${pointer}/${key}`,
        message: `is the older name of ${present}, which is given too; keep one`,
      });
    }
    return [present, value];
  });
  return { value: Object.fromEntries(entries), faults };
}

/**
 * Checks one config as it came from outside.
 *
 * @param raw any JSON value
 * @param pointer where it stands in the request, as a JSON pointer prefix (`` or `/1`)
 * @param now the instant against which `at` must lie ahead, in ms since 1970
 */
export function parseBatchConfig(raw: unknown, pointer: string, now: number): ParsedConfig {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) {
    return { ok: false, faults: [{ pointer, message: "must be a JSON object with at least a name" }] };
  }
  const { value, faults } = translateOlderNames(raw as Record<string, unknown>, pointer);
  const parsed = batchConfigSchema.safeParse(value);
  if (!parsed.success) faults.push(...faultsOf(parsed.error, pointer, Object.keys(shape)));
  const at = parsed.data?.at;
  if (at !== undefined && Date.parse(at) <= now) {
    faults.push({ pointer: `${pointer}/at`, message: pastInstant(now) });
  }
  if (!parsed.success || faults.length > 0) return { ok: false, faults };
  return { ok: true, config: parsed.data };
}

/** The schedule that a config asks for; null if the batch runs by hand, by API or in a chain only. */
export function scheduleOf(config: BatchConfig): Schedule | null {
  return scheduleOfKeys(config);
}

/** How many executions of the batch may run at once; null: any number. */
export function concurrencyOf({ concurrency, overlap }: BatchConfig): number | null {
  return concurrency ?? (overlap === "allow" ? null : 1);
}

/** The options that a config gives to the links towards its batch. */
export function linkOptions(config: BatchConfig): { runOn: RunOn; previousOutput: boolean } {
  return { runOn: config.independent ? "always" : (config.runOn ?? "success"), previousOutput: config.previousOutput };
}
