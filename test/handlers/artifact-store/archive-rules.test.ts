// The rules as a list: everything wrong is found at once, in order, each with a mend.
import { randomUUID } from "node:crypto";
import { open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkArchive, DEFAULT_LIMITS } from "../../../src/handlers/artifact-store/archive-rules.js";
import { readCentralDirectory, type Archive } from "../../../src/handlers/artifact-store/central-directory.js";
import { errorCodeOf, reported, UnreadableArchive } from "../../../src/handlers/artifact-store/findings.js";
import { hasErrors, type Finding } from "../../../src/models/finding.js";
import { craftZip } from "../../support/zips.js";

async function findings(zip: Buffer, limits = DEFAULT_LIMITS): Promise<Finding[]> {
  const path = join(tmpdir(), randomUUID());
  await writeFile(path, zip);
  const file = await open(path);
  onTestFinished(async () => {
    await file.close();
    await rm(path);
  });
  const archive = await readCentralDirectory(file, limits.entries).catch((error: unknown) => error);
  return archive instanceof UnreadableArchive ? [archive.finding] : checkArchive(archive as Archive, limits);
}

const SCRIPT = { name: "script.sh", content: "echo hello\n" };

describe("checkArchive", () => {
  it("finds everything at once, most important first", async () => {
    const zip = craftZip([
      { name: "../evil" },
      { name: "folder/script.sh" },
      { name: "link", mode: 0o120777 },
      { name: "a" },
      { name: "A" },
      { name: ".git/config" },
    ]);
    const found = await findings(zip);
    expect(found.map(({ level, code, file }) => [level, code, file])).toEqual([
      ["error", "unsafe_path", "../evil"],
      ["error", "link_or_special", "link"],
      ["error", "duplicate_entry", "A"],
      ["error", "missing_script", "script.sh"],
      ["warning", "private_file", ".git/config"],
    ]);
    for (const { message, fix } of found) {
      expect(message).toMatch(/^The .*\.$/);
      expect(fix).toMatch(/^[A-Z].*\.$/);
    }
  });

  it("looks no further than it helps, and at everything else all the same", async () => {
    const bad = Array.from({ length: 500 }, (_, n) => ({ name: `../${n}`, mode: 0o120777 }));
    const codes = (await findings(craftZip([...bad, { name: ".env" }]))).map(({ code }) => code);
    const counts = Object.fromEntries(
      [...new Set(codes)].map((code) => [code, codes.filter((one) => one === code).length]),
    );
    expect(counts).toEqual({ unsafe_path: 100, link_or_special: 100, missing_script: 1, private_file: 1 });
  });

  it("finds nothing in a good archive", async () => {
    expect(await findings(craftZip([SCRIPT]))).toEqual([]);
  });

  it.each([".env", "config/.env", ".git/HEAD"])("only warns of %s", async (name) => {
    const found = await findings(craftZip([SCRIPT, { name }]));
    expect(found.map(({ level }) => level)).toEqual(["warning"]);
    expect(hasErrors(found)).toBe(false);
  });

  it.each([
    ["entries", { entries: 2 }, { entries: 1 }],
    ["unpackedBytes", { unpackedBytes: 1011 }, { unpackedBytes: 1010 }],
    ["scriptBytes", { scriptBytes: 11 }, { scriptBytes: 10 }],
    ["ratio", { ratioFreeBytes: 1010, ratio: 5 }, { ratioFreeBytes: 1010, ratio: 3 }],
    ["ratioFreeBytes", { ratioFreeBytes: 1011, ratio: 3 }, { ratioFreeBytes: 1010, ratio: 3 }],
  ])("takes what is just within the limit of %s, and refuses what is beyond", async (_, enough, less) => {
    const zip = craftZip([SCRIPT, { name: "zeros", content: Buffer.alloc(1000) }]);
    expect(await findings(zip, { ...DEFAULT_LIMITS, ...enough })).toEqual([]);
    const beyond = await findings(zip, { ...DEFAULT_LIMITS, ...less });
    expect(beyond.map(({ code }) => errorCodeOf(code))).toEqual(["too_large"]);
  });
});

it("counts the size of the archive itself against the limit, whatever it claims to hold", async () => {
  const zip = craftZip([SCRIPT], { gap: Buffer.alloc(2000) });
  const found = await findings(zip, { ...DEFAULT_LIMITS, unpackedBytes: 2000 });
  expect(found.map(({ code }) => code)).toEqual(["unpacked_too_large"]);
});

describe("reported", () => {
  const bad = (n: number, level: Finding["level"] = "error"): Finding => {
    const place = { archive: null, file: `${n}`, line: null, pointer: null };
    return { level, code: "unsafe_path", ...place, message: "It is bad.", fix: "Mend it." };
  };

  it("names the archive in every finding, errors first, else in their order", () => {
    const list = reported([bad(1), bad(2, "warning"), bad(3), bad(4, "warning")], "a.zip");
    expect(list.map(({ file }) => file)).toEqual(["1", "3", "2", "4"]);
    expect(new Set(list.map(({ archive }) => archive))).toEqual(new Set(["a.zip"]));
  });

  it("hands out a hundred at most, errors first, and says that there are more", () => {
    const many = Array.from({ length: 10_000 }, (_, n) => bad(n, n < 9950 ? "warning" : "error"));
    const list = reported(many, "a.zip");
    expect(list).toHaveLength(101);
    expect(list.filter(({ level }) => level === "error")).toHaveLength(50);
    expect(list[100]).toMatchObject({ level: "warning", code: "more_findings", archive: "a.zip" });
  });
});

it("knows what kind of refusal a code makes", () => {
  const codes = ["not_a_zip", "too_many_entries", "unpacked_too_large", "ratio_too_high", "bash_syntax", "toString"];
  const kinds = ["unsupported", "too_large", "too_large", "too_large", "unprocessable", "unprocessable"];
  expect(codes.map(errorCodeOf)).toEqual(kinds);
});
