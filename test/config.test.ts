// The configuration: every variable checked, every complaint in one go, and the example file complete.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { inheritedEnvironment, parseConfig, VARIABLES } from "../src/config.js";
import { AppError } from "../src/errors.js";

function complaintsOf(environment: Record<string, string>): string {
  try {
    parseConfig(environment);
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
  return "";
}

it("starts with nothing set", () => {
  const config = parseConfig({});
  expect(config).toMatchObject({ host: "127.0.0.1", port: 8080, databaseUrl: "sqlite:data/batchline.sqlite" });
  expect(config.uploadsDir).toBe(path.resolve("uploads"));
  expect(config.concurrency).toBeGreaterThan(0);
  expect(Object.isFrozen(config)).toBe(true);
});

it("takes an empty variable for an unset one", () => {
  expect(parseConfig({ ADMIN_TOKEN: "", PORT: "", CONCURRENCY: "" })).toMatchObject({ adminToken: null, port: 8080 });
});

it("reads sizes, durations and addresses as people write them", () => {
  const config = parseConfig({
    MAX_UPLOAD: "2G",
    MAX_LOG: "64K",
    DATABASE_WAIT: "1m30s",
    PUBLIC_URL: "https://a.example/b/",
  });
  expect(config).toMatchObject({ maxUploadBytes: 2 * 1024 ** 3, maxLogBytes: 65_536, databaseWaitMs: 90_000 });
  expect(config.publicUrl).toBe("https://a.example/b");
});

it("names every complaint at once", () => {
  const message = complaintsOf({
    PORT: "99999",
    DATABASE_URL: "postgres://x",
    MAX_UPLOAD: "lots",
    CONCURRENCY: "0",
    ADMIN_TOKEN: "short",
    LOG_LEVEL: "loud",
    PUBLIC_URL: "ftp://x",
    DATABASE_WAIT: "soon",
  });
  for (const name of ["PORT", "DATABASE_URL", "MAX_UPLOAD", "CONCURRENCY", "ADMIN_TOKEN", "LOG_LEVEL", "PUBLIC_URL"]) {
    expect(message).toMatch(new RegExp(`^  ${name} must`, "m"));
  }
  expect(message).toContain("DATABASE_WAIT must be a duration");
  expect(message).not.toContain("short");
});

it("takes a secret from the file that NAME_FILE names", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "batchline-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "token");
  writeFileSync(file, `${"s".repeat(40)}\n`);
  expect(parseConfig({ ADMIN_TOKEN_FILE: file }).adminToken).toBe("s".repeat(40));
  expect(complaintsOf({ ADMIN_TOKEN_FILE: path.join(folder, "absent") })).toContain("ADMIN_TOKEN_FILE names a file");
  expect(complaintsOf({ ADMIN_TOKEN_FILE: file, ADMIN_TOKEN: "s".repeat(40) })).toContain("both set");
});

it("reads where mail goes, and whom it comes from", () => {
  const smtp = { SMTP_URL: "smtps://user:p%40ss@mail.example.org:465" };
  expect(parseConfig({})).toMatchObject({ mail: null, adminEmail: null });
  expect(parseConfig({ ...smtp, MAIL_FROM: "ops@example.org", ADMIN_EMAIL: "a@example.org" })).toMatchObject({
    mail: { smtpUrl: smtp.SMTP_URL, from: { name: "", address: "ops@example.org" } },
    adminEmail: "a@example.org",
  });
  for (const from of ["Böse Läufe <ops@example.org>", '"Böse Läufe" <ops@example.org>']) {
    expect(parseConfig({ ...smtp, MAIL_FROM: from }).mail?.from).toEqual({
      name: "Böse Läufe",
      address: "ops@example.org",
    });
  }
  expect(parseConfig({ MAIL_FROM: "ops@example.org" }).mail).toBeNull();
});

it("complains about mail settings without showing the password", () => {
  const urls = ["http://a:secret@b", "smtp://", "smtp://a:secret@b/c", "smtp://a:sec?ret@b", "smtp://a:secret%E0@b"];
  for (const SMTP_URL of [...urls, "smtp://a:secret#@b", "smtp://a:secret@b:port"]) {
    const message = complaintsOf({ SMTP_URL, MAIL_FROM: "ops@example.org" });
    expect(message, SMTP_URL).toContain("SMTP_URL must be smtp://user:password@host:port");
    expect(message).not.toContain("sec");
  }
  expect(complaintsOf({ SMTP_URL: "smtp://localhost" })).toContain("MAIL_FROM must be set where SMTP_URL is");
  for (const MAIL_FROM of [
    "ops",
    "<>",
    "Ops <a@b.org> x",
    "O\nBcc: x <a@example.org>",
    "a@example.org\nBcc: x@y.org",
  ]) {
    expect(complaintsOf({ MAIL_FROM }), MAIL_FROM).toContain("MAIL_FROM must be an e-mail address");
  }
  expect(complaintsOf({ ADMIN_EMAIL: "a@example.org, b@example.org" })).toContain("ADMIN_EMAIL must be one e-mail");
});

it("reads how old events may become, and complains of what no kind can be, or would vanish unarchived", () => {
  const { eventAges } = parseConfig({
    EVENT_ARCHIVE_AFTER: "1h, batch.*=never",
    EVENT_DELETE_AFTER: "2h, batch.edited=3h",
  });
  expect([eventAges.archiveAfter["trigger.fired"], eventAges.archiveAfter["batch.edited"]]).toEqual([3_600_000, null]);
  expect([eventAges.deleteAfter["batch.deleted"], eventAges.deleteAfter["batch.edited"]]).toEqual([
    7_200_000, 10_800_000,
  ]);
  const message = complaintsOf({ EVENT_ARCHIVE_AFTER: "soon", EVENT_DELETE_AFTER: "2h, batch.reed=3h" });
  expect(message).toMatch(/^ {2}EVENT_ARCHIVE_AFTER must be ages/m);
  expect(message).toMatch(/^ {2}EVENT_DELETE_AFTER names no kind of event in "batch.reed=3h"/m);
  expect(complaintsOf({ EVENT_DELETE_AFTER: "24h" })).toContain(
    "EVENT_DELETE_AFTER must not delete batch.uploaded before EVENT_ARCHIVE_AFTER archives it",
  );
});

it("has every variable in .env.example, commented, and no secret there", () => {
  const text = readFileSync(".env.example", "utf8");
  const lines = [...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map((match) => ({
    name: match[1] ?? "",
    value: match[2] ?? "",
  }));
  expect(lines.map(({ name }) => name).sort()).toEqual([...VARIABLES].sort());
  expect(lines.find(({ name }) => name === "ADMIN_TOKEN")?.value).toBe("");
  const shown = parseConfig(Object.fromEntries(lines.map(({ name, value }) => [name, value])));
  expect(shown).toEqual(parseConfig({}));
});

it("shows scripts nothing of the service's environment but the allow-list", () => {
  const seen = inheritedEnvironment({
    PATH: "/bin",
    HOME: "/h",
    ADMIN_TOKEN: "secret",
    DATABASE_URL: "x",
    AWS_KEY: "y",
  });
  expect(seen).toEqual({ PATH: "/bin", HOME: "/h" });
});
