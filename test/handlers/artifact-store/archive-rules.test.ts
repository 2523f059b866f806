// The rules as a list: everything wrong is found at once, in order, each with a mend.
import { randomUUID } from "node:crypto";
import { open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkArchive, DEFAULT_LIMITS } from "../../../src/handlers/artifact-store/archive-rules.js";
import { readCentralDirectory } from "../../../src/handlers/artifact-store/central-directory.js";
import {
  refusal,
  refuseErrors,
  type Finding,
  type FindingCode,
} from "../../../src/handlers/artifact-store/findings.js";
import { checkScript } from "../../../src/handlers/artifact-store/script-rules.js";
import { craftZip } from "../../support/zips.js";

async function findings(zip: Buffer, limits = DEFAULT_LIMITS): Promise<Finding[]> {
  const path = join(tmpdir(), randomUUID());
  await writeFile(path, zip);
  const file = await open(path);
  onTestFinished(async () => {
    await file.close();
    await rm(path);
  });
  return checkArchive(await readCentralDirectory(file, limits.entries), limits);
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
    expect(found.map(({ level, code, entry }) => [level, code, entry])).toEqual([
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

  it("finds nothing in a good archive", async () => {
    expect(await findings(craftZip([SCRIPT]))).toEqual([]);
  });

  it.each([".env", "config/.env", ".git/HEAD"])("only warns of %s", async (name) => {
    const found = await findings(craftZip([SCRIPT, { name }]));
    expect(found.map(({ level }) => level)).toEqual(["warning"]);
    expect(() => refuseErrors(found)).not.toThrow();
  });

  it.each([
    ["entries", { entries: 2 }, { entries: 1 }],
    ["unpackedBytes", { unpackedBytes: 1011 }, { unpackedBytes: 1010 }],
    ["fileBytes", { fileBytes: 1000 }, { fileBytes: 999 }],
    ["ratio", { ratioFreeBytes: 1010, ratio: 5 }, { ratioFreeBytes: 1010, ratio: 3 }],
    ["ratioFreeBytes", { ratioFreeBytes: 1011, ratio: 3 }, { ratioFreeBytes: 1010, ratio: 3 }],
  ])("takes what is just within the limit of %s, and refuses what is beyond", async (_, enough, less) => {
    const zip = craftZip([SCRIPT, { name: "zeros", content: Buffer.alloc(1000) }]);
    expect(await findings(zip, { ...DEFAULT_LIMITS, ...enough })).toEqual([]);
    const beyond = findings(zip, { ...DEFAULT_LIMITS, ...less }).then(refuseErrors);
    await expect(beyond).rejects.toMatchObject({ code: "too_large" });
  });
});

it("counts the size of the archive itself against the limit, whatever it claims to hold", async () => {
  const zip = craftZip([SCRIPT], { gap: Buffer.alloc(2000) });
  const found = await findings(zip, { ...DEFAULT_LIMITS, unpackedBytes: 2000 });
  expect(found.map(({ code }) => code)).toEqual(["unpacked_too_large"]);
});

describe("refusal", () => {
  const bad = (n: number): Finding => {
    return { level: "error", code: "unsafe_path", entry: `${n}`, message: "It is bad.", fix: "Mend it." };
  };

  it("carries the first reason and lists all faults by entry", () => {
    const error = refusal([bad(1), { ...bad(2), code: "encrypted" }]);
    expect(error).toMatchObject({ code: "unprocessable", reason: "unsafe_path" });
    expect(error.message).toBe("It is bad. Mend it. The archive has 2 faults in all, see the list.");
    expect(error.errors).toEqual([
      { pointer: "1", message: "It is bad. Mend it." },
      { pointer: "2", message: "It is bad. Mend it." },
    ]);
  });

  it("lists a hundred faults at most", () => {
    expect(refusal(Array.from({ length: 10_000 }, (_, n) => bad(n))).errors).toHaveLength(100);
  });
});

describe("checkScript", () => {
  it("names the first line with a Windows line end", () => {
    expect(checkScript(Buffer.from("one\ntwo\nthree\r\nfour\r\n"))).toMatchObject([{ line: 3 }]);
  });

  it("finds a byte order mark and Windows line ends at once", () => {
    const codes = checkScript(Buffer.from("\uFEFFecho\r\n")).map(({ code }) => code);
    expect(codes).toEqual(["script_encoding", "script_line_ends"]);
  });

  const utf16 = Buffer.from("\uFEFFecho hello\n", "utf16le");

  it.each<[string, FindingCode, Buffer, RegExp]>([
    ["Windows line ends", "script_line_ends", Buffer.from("set -e\r\necho\r\n"), /sed -i 's\/\\r\$\/\/' script\.sh/],
    ["a compiled program", "script_not_text", Buffer.from("\x7fELF\x02\x01\x01\0", "latin1"), /compiled program/],
    ["NUL bytes", "script_not_text", Buffer.from("echo \0\n"), /NUL bytes/],
    ["UTF-16", "script_encoding", utf16, /UTF-16/],
    ["UTF-16, the other way round", "script_encoding", Buffer.from(utf16).swap16(), /UTF-16/],
    ["a byte order mark", "script_encoding", Buffer.from("\uFEFFecho hello\n"), /byte order mark/],
  ])("refuses %s", (_, code, script, words) => {
    const found = checkScript(script);
    expect(found).toMatchObject([{ level: "error", code, entry: "script.sh" }]);
    expect(refusal(found).message).toMatch(words);
  });

  it.each(["echo hello", "printf 'a\\r'\n", "echo 'a\rb'\n", "echo é 日本 🙂\n", "#!/bin/bash\n"])(
    "takes %j",
    (text) => {
      expect(checkScript(Buffer.from(text))).toEqual([]);
    },
  );
});
