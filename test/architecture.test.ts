// Holds the house rules that a machine can hold: who may import what, one home per package, one writer each, sizes.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const SRC = path.resolve("src");

interface SourceFile {
  /** Relative to src, with forward slashes. */
  name: string;
  room: string;
  text: string;
  imports: string[];
  /** Those of them of which only types are taken. */
  typesOnly: string[];
}

function sourceFiles(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const text = readFileSync(path.join(SRC, name), "utf8");
      const statements = [...text.matchAll(/^(?:(?:import|export)( type)?\b[^;"=]*? from|import) "([^"]+)";/gm)];
      const imports = statements.map((match) => match[2] ?? "");
      const typesOnly = statements.filter((match) => match[1] !== undefined).map((match) => match[2] ?? "");
      return { name, room: name.includes("/") ? (name.split("/")[0] ?? "") : name, text, imports, typesOnly };
    });
}

const files = sourceFiles();

/** The room that a relative import leads to, or the package's name. */
function target(file: SourceFile, specifier: string): { room: string } | { packageName: string } {
  if (!specifier.startsWith(".")) {
    const parts = specifier.split("/");
    return { packageName: specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "") };
  }
  const resolved = path.posix.normalize(path.posix.join(path.posix.dirname(file.name), specifier));
  return { room: resolved.includes("/") ? (resolved.split("/")[0] ?? "") : resolved.replace(/\.js$/, ".ts") };
}

/** What each room may import of the others; itself and errors.ts are always allowed. `type x`: its types only. */
const MAY_IMPORT: Record<string, string[]> = {
  models: [],
  entities: ["models"],
  database: ["entities", "models"],
  handlers: ["database", "entities", "models"],
  jobs: ["handlers", "database", "entities", "models"],
  services: ["jobs", "handlers", "database", "entities", "models"],
  controllers: ["services", "models", "type handlers", "type entities"],
  routers: ["controllers", "models", "type services", "type handlers"],
  sdk: ["models"],
};

/** Packages that only these places may use. */
const PACKAGE_HOMES: Record<string, RegExp> = {
  express: /^routers\//,
  helmet: /^routers\//,
  "zod-openapi": /^routers\//,
  multer: /^routers\/middleware\/upload\.ts$/,
  "adm-zip": /^handlers\/artifact-store\//,
  diff: /^handlers\/artifact-store\/file-patch\.ts$/,
  yazl: /^handlers\/export-file\.ts$/,
  "node-schedule": /^jobs\/timer\.ts$/,
  "node:child_process": /^handlers\/process\//,
  typeorm: /^(entities|database)\//,
  mysql2: /^database\//,
  "@photostructure/sqlite": /^database\//,
  croner: /^models\//,
  cronstrue: /^models\//,
  "@hyperjump/json-schema": /^handlers\/json-schema\//,
  "@hyperjump/browser": /^handlers\/json-schema\//,
  re2js: /^handlers\/json-schema\//,
  nodemailer: /^handlers\/mail-channel\.ts$/,
  pino: /^handlers\/logger\.ts$/,
};

describe("rooms", () => {
  it("are those of the house, and every file lives in one of them", () => {
    const roots = ["main.ts", "app.ts", "build-jobs.ts", "build-controllers.ts", "config.ts", "errors.ts"];
    const rooms = new Set(files.map(({ room }) => room));
    expect([...rooms].filter((room) => !roots.includes(room) && !(room in MAY_IMPORT))).toEqual([]);
  });

  it.each(Object.entries(MAY_IMPORT))("%s imports downward only", (room, allowed) => {
    const wrong = files
      .filter((file) => file.room === room)
      .flatMap((file) => file.imports.map((specifier) => ({ file, specifier, to: target(file, specifier) })))
      .filter(({ to }) => "room" in to && ![room, "errors.ts", ...allowed].includes(to.room))
      .filter(({ file, specifier, to }) => {
        const typesAllowed = "room" in to && allowed.includes(`type ${to.room}`);
        return !(typesAllowed && file.typesOnly.includes(specifier));
      })
      .map(({ file, to }) => `${file.name} imports ${"room" in to ? to.room : ""}`);
    expect(wrong).toEqual([]);
  });

  it("models and sdk run in a browser: no package but zod and the cron libraries, nothing of Node", () => {
    const outside = files
      .filter(({ room }) => room === "models" || room === "sdk")
      .flatMap((file) => file.imports.map((specifier) => target(file, specifier)))
      .flatMap((to) => ("packageName" in to ? [to.packageName] : []));
    expect([...new Set(outside)].sort()).toEqual(["croner", "cronstrue", "zod"]);
  });
});

describe("one package, one home", () => {
  it.each(Object.entries(PACKAGE_HOMES))("%s", (packageName, home) => {
    const users = files.filter((file) => file.imports.some((specifier) => uses(file, specifier, packageName)));
    // Operators and types of queries are all that others take of TypeORM: its vocabulary, not its doing.
    const wrong = users
      .filter(({ name }) => !home.test(name))
      .filter((file) => !onlyQueryVocabulary(file, packageName));
    expect(wrong.map(({ name }) => name)).toEqual([]);
    // TypeORM itself loads mysql2.
    if (packageName !== "mysql2") expect(users.length).toBeGreaterThan(0);
  });

  it("process.env is read by config.ts alone", () => {
    const readers = files.filter(({ text }) => /process\.env|loadEnvFile/.test(text));
    expect(readers.map(({ name }) => name)).toEqual(["config.ts"]);
  });
});

function uses(file: SourceFile, specifier: string, packageName: string): boolean {
  const to = target(file, specifier);
  return "packageName" in to && to.packageName === packageName;
}

function onlyQueryVocabulary({ text }: SourceFile, packageName: string): boolean {
  if (packageName !== "typeorm") return false;
  const names = [...text.matchAll(/import (?:type )?\{([^}]*)\} from "typeorm"/g)].flatMap((match) =>
    (match[1] ?? "").split(",").map((name) => name.replace("type ", "").trim()),
  );
  const vocabulary = ["In", "IsNull", "LessThanOrEqual", "Not", "EntityManager", ""];
  return names.every((name) => vocabulary.includes(name));
}

describe("one writer each", () => {
  it("an execution's status is written by the ledger alone", () => {
    const writers = files.filter(({ text }) =>
      /(\.(update|insert|delete|save)\(\s*|(updateRows|insertRows)\(\w+, )Execution\b/.test(text),
    );
    expect(writers.map(({ name }) => name)).toEqual(["jobs/ledger.ts"]);
  });

  it("UPLOADS_DIR and LOGS_DIR are handed to their stores alone", () => {
    const users = files.filter(({ text }) => /\b(uploadsDir|logsDir)\b/.test(text));
    expect(users.map(({ name }) => name).sort()).toEqual(["app.ts", "config.ts"]);
    const app = files.find(({ name }) => name === "app.ts")?.text ?? "";
    expect(app.match(/uploadsDir/g)).toHaveLength(3);
    expect(app.match(/logsDir/g)).toHaveLength(2);
  });

  it("rows are inserted by what saves them whole or not at all: never by TypeORM's save", () => {
    expect(files.filter(({ text }) => /manager\.save\(|repository\(/i.test(text)).map(({ name }) => name)).toEqual([]);
  });
});

describe("files", () => {
  it("say in their first line what they are for", () => {
    expect(files.filter(({ text }) => !/^\/\/ \S/.test(text)).map(({ name }) => name)).toEqual([]);
  });

  it("have at most 300 lines, migrations excepted, and a median under 80", () => {
    const sizes = files
      .filter(({ name }) => !name.includes("/migrations/"))
      .map(({ name, text }) => ({ name, lines: text.split("\n").length - 1 }));
    expect(sizes.filter(({ lines }) => lines > 300)).toEqual([]);
    const sorted = sizes.map(({ lines }) => lines).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(80);
  });

  it("are named in kebab-case, and nothing is called utils, common, helpers or manager", () => {
    const names = files.map(({ name }) => path.posix.basename(name, ".ts"));
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([]);
    expect(names.filter((name) => /utils?|common|helpers?|manager/.test(name))).toEqual([]);
  });

  it("give entities explicit column types: no runner but tsc would fill them in", () => {
    const bare = files.filter(({ room, text }) => room === "entities" && /@Column\(\s*\)/.test(text));
    expect(bare.map(({ name }) => name)).toEqual([]);
  });
});
