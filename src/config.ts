// The one reader of the environment: every variable checked, every complaint at once.
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { z } from "zod";
import { AppError } from "./errors.js";
import { LOG_LEVELS } from "./handlers/logger.js";
import type { Mailbox } from "./handlers/mail-channel.js";
import { emailAddress } from "./models/alert.js";
import { parseDuration, parseSize } from "./models/duration.js";
import { ARCHIVE_AFTER, DELETE_AFTER, deletedUnarchived, parseEventAges, type EventAges } from "./models/event-ages.js";
import { noControlCharacters } from "./models/name.js";

/** Variables that may be given as NAME_FILE instead: the path of a file that holds the value. */
const SECRETS = ["DATABASE_URL", "ADMIN_TOKEN", "SECRET_KEY", "SMTP_URL"] as const;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max, {
      error: `must be a whole number from ${min} to ${max}`,
    })
    .transform(Number);
const size = z.string().transform((text, context) => {
  const bytes = parseSize(text);
  if (bytes !== null) return bytes;
  context.addIssue({ code: "custom", message: "must be a size such as 512M or 2G" });
  return z.NEVER;
});
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== null) return ms;
  context.addIssue({ code: "custom", message: "must be a duration such as 30s or 5m" });
  return z.NEVER;
});
const eventAges = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const ages = parseEventAges(text);
      if (typeof ages !== "string") return ages;
      context.addIssue({ code: "custom", message: ages });
      return z.NEVER;
    });
const folder = z
  .string()
  .min(1)
  .transform((name) => path.resolve(name));

/** `ops@example.org` or `Batchline <ops@example.org>`. */
const mailbox = z.string().transform((text, context) => {
  const [, name = "", address] = /^(?:"?([^"<>]*?)"? *<([^<>]*)>)$/.exec(text) ?? [null, "", text];
  const parsed = emailAddress.safeParse(address);
  if (parsed.success && noControlCharacters(name)) return { name, address: parsed.data };
  context.addIssue({
    code: "custom",
    message: "must be an e-mail address, or a name and one: Batchline <b@example.org>",
  });
  return z.NEVER;
});

const environmentSchema = z.object({
  HOST: z.string().min(1).default("127.0.0.1"),
  PORT: wholeNumber(0, 65_535).default(8080),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/, error: "must be an http:// or https:// address" })
    .transform((url) => url.replace(/\/+$/, ""))
    .optional(),
  DATABASE_URL: z
    .string()
    .regex(
      /^(sqlite:.+|(mysql|mariadb):\/\/.+\/.+)$/,
      "must be sqlite:<file>, mysql://user:password@host:port/database or mariadb://...",
    )
    .refine(
      (url) => url.startsWith("sqlite:") || readsAsUrl(url),
      "is not an address that can be read; %-encode odd characters",
    )
    .default("sqlite:data/batchline.sqlite"),
  DATABASE_WAIT: duration.default(30_000),
  UPLOADS_DIR: folder.default(path.resolve("uploads")),
  LOGS_DIR: folder.default(path.resolve("logs")),
  DATA_DIR: folder.default(path.resolve("data")),
  MAX_UPLOAD: size.default(512 * 1024 ** 2),
  MAX_LOG: size.default(100 * 1024 ** 2),
  MIN_INTERVAL: duration.default(10_000),
  CONCURRENCY: wholeNumber(1, 256).default(availableParallelism()),
  MAX_QUEUED: wholeNumber(1, 1_000_000).default(10_000),
  ADMIN_TOKEN: z
    .string()
    .min(32, "must have at least 32 characters")
    .regex(/^[\w.~+/=-]{1,512}$/, "must be made of at most 512 letters, digits and the characters . _ ~ + / = -")
    .optional(),
  SECRET_KEY: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=$/, "must be 32 bytes as base64: make one with `openssl rand -base64 32`")
    .optional(),
  ADMIN_EMAIL: emailAddress.optional(),
  SMTP_URL: z
    .string()
    .refine((url) => /^smtps?:\/\/[^/?#]+\/?$/.test(url) && readsAsUrl(url), {
      error: "must be smtp://user:password@host:port or smtps://...; %-encode odd characters",
    })
    .optional(),
  MAIL_FROM: mailbox.optional(),
  EVENT_ARCHIVE_AFTER: eventAges(ARCHIVE_AFTER),
  EVENT_DELETE_AFTER: eventAges(DELETE_AFTER),
  LOG_LEVEL: z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(", ")}`).default("info"),
});

function readsAsUrl(url: string): boolean {
  try {
    const { username, password, pathname } = new URL(url);
    return [username, password, pathname].every((part) => decodeURIComponent(part) !== "\0");
  } catch {
    return false;
  }
}

/** The names of all variables, for the comparison with `.env.example`. */
export const VARIABLES = Object.keys(environmentSchema.shape);

/** The service's settings, checked; sizes in bytes, durations in milliseconds, folders absolute. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | null;
  readonly databaseUrl: string;
  readonly databaseWaitMs: number;
  readonly uploadsDir: string;
  readonly logsDir: string;
  readonly dataDir: string;
  readonly maxUploadBytes: number;
  readonly maxLogBytes: number;
  readonly minIntervalMs: number;
  readonly concurrency: number;
  /** How many executions may wait in the queue before firings of triggers are refused. */
  readonly maxQueued: number;
  readonly adminToken: string | null;
  /** What seals secrets that the service must be able to read again, 32 bytes as base64; null: a key in DATA_DIR. */
  readonly secretKey: string | null;
  /** Who gets the mail of batches that name nobody. */
  readonly adminEmail: string | null;
  /** The server that takes our mail, and whom it comes from; null: none is sent. */
  readonly mail: { readonly smtpUrl: string; readonly from: Mailbox } | null;
  /** After how long events are archived and deleted. */
  readonly eventAges: { readonly archiveAfter: EventAges; readonly deleteAfter: EventAges };
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

type Environment = Record<string, string | undefined>;

/** Puts the contents of NAME_FILE in NAME's place; a file that cannot be read is a complaint, not an absence. */
function readSecretFiles(environment: Environment, complaints: string[]): Environment {
  const result = { ...environment };
  for (const name of SECRETS) {
    const file = environment[`${name}_FILE`];
    if (file === undefined) continue;
    if (environment[name]) complaints.push(`${name} and ${name}_FILE are both set; keep one.`);
    try {
      result[name] = readFileSync(file, "utf8").trim();
    } catch {
      complaints.push(`${name}_FILE names a file that cannot be read.`);
    }
  }
  return result;
}

/**
 * Reads and checks the environment. An empty variable counts as unset.
 *
 * @throws AppError `invalid` with every complaint in `errors`
 */
export function parseConfig(environment: Environment): Config {
  const complaints: string[] = [];
  const given = Object.entries(readSecretFiles(environment, complaints)).filter(([, value]) => value !== "");
  const parsed = environmentSchema.safeParse(Object.fromEntries(given));
  for (const issue of parsed.error?.issues ?? []) complaints.push(`${issue.path.join(".")} ${issue.message}.`);
  const { SMTP_URL: smtpUrl, MAIL_FROM: from } = parsed.data ?? {};
  if (smtpUrl && !from) complaints.push("MAIL_FROM must be set where SMTP_URL is: the address that mail comes from.");
  const tooEarly = parsed.data && deletedUnarchived(parsed.data.EVENT_ARCHIVE_AFTER, parsed.data.EVENT_DELETE_AFTER);
  if (tooEarly)
    complaints.push(
      `EVENT_DELETE_AFTER must not delete ${tooEarly} before EVENT_ARCHIVE_AFTER archives it: name that kind in one of them.`,
    );
  if (!parsed.success || complaints.length > 0) {
    throw new AppError("invalid", `The configuration cannot be used:\n  ${complaints.join("\n  ")}`, {
      errors: complaints.map((message) => ({ pointer: message.split(" ")[0] ?? "", message })),
    });
  }
  const values = parsed.data;
  return Object.freeze({
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL ?? null,
    databaseUrl: values.DATABASE_URL,
    databaseWaitMs: values.DATABASE_WAIT,
    uploadsDir: values.UPLOADS_DIR,
    logsDir: values.LOGS_DIR,
    dataDir: values.DATA_DIR,
    maxUploadBytes: values.MAX_UPLOAD,
    maxLogBytes: values.MAX_LOG,
    minIntervalMs: values.MIN_INTERVAL,
    concurrency: values.CONCURRENCY,
    maxQueued: values.MAX_QUEUED,
    adminToken: values.ADMIN_TOKEN ?? null,
    secretKey: values.SECRET_KEY ?? null,
    adminEmail: values.ADMIN_EMAIL ?? null,
    mail: smtpUrl && from ? { smtpUrl, from } : null,
    eventAges: { archiveAfter: values.EVENT_ARCHIVE_AFTER, deleteAfter: values.EVENT_DELETE_AFTER },
    logLevel: values.LOG_LEVEL,
  });
}

/** The configuration of this process: `.env` in the working folder first, the real environment above it. */
export function loadConfig(): Config {
  if (existsSync(".env")) process.loadEnvFile(".env");
  return parseConfig(process.env);
}

/** Variables that every script inherits from the service; all else of the service's environment stays hidden. */
const INHERITED = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/** The part of this process's environment that scripts may see. */
export function inheritedEnvironment(environment: Environment = process.env): Record<string, string> {
  const pairs = INHERITED.map((name): [string, string | undefined] => [name, environment[name]]);
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined));
}
