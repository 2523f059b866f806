// The life of an artifact: staged, published or discarded, found again, removed.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ArtifactStore } from "../../../src/handlers/artifact-store/artifact-store.js";
import { craftZip, zipOf } from "../../support/zips.js";
import { NOW, openStore } from "./open-store.js";

const HELLO = { "script.sh": "echo hello\n", "data/words.txt": "one\ntwo\n" };

describe("an upload", () => {
  it("keeps the zip byte for byte and the unpacked files beside it, under a key made of the time", async () => {
    const { store, upload, folder } = await openStore();
    const zip = await zipOf(HELLO);
    const artifact = await upload(zip);
    expect(artifact).toEqual({
      key: expect.stringMatching(/^20260203-120509-[0-9a-f]{8}$/) as string,
      sha256: createHash("sha256").update(zip).digest("hex"),
      bytes: zip.length,
      fileCount: 2,
      unpackedBytes: 19,
    });
    expect(await readFile(join(folder, artifact.key, "artifact.zip"))).toEqual(zip);
    expect(store.zipFile(artifact.key)).toBe(join(folder, artifact.key, "artifact.zip"));
    expect(await readFile(join(store.filesFolder(artifact.key), "data/words.txt"), "utf8")).toBe("one\ntwo\n");
  });

  it("moves the upload: nothing of it stays in staging", async () => {
    const { upload, onDisk } = await openStore();
    await upload(await zipOf(HELLO));
    expect((await onDisk()).filter((line) => line.startsWith(".staging"))).toEqual([".staging/ 750"]);
  });

  it("gives the owner everything, the group reading, and others nothing, whatever the umask", async () => {
    const { upload, onDisk } = await openStore();
    const umask = process.umask(0o077);
    try {
      const { key } = await upload(await zipOf({ ...HELLO, "bin/tool": { content: "x", mode: 0o755 } }));
      const modes = (await onDisk()).map((line) => line.split(" ").slice(0, 2).join(" "));
      expect(modes.filter((line) => line.startsWith(key))).toEqual([
        `${key}/ 750`,
        `${key}/artifact.zip 640`,
        `${key}/files/ 750`,
        `${key}/files/bin/ 750`,
        `${key}/files/bin/tool 750`,
        `${key}/files/data/ 750`,
        `${key}/files/data/words.txt 640`,
        `${key}/files/script.sh 750`,
      ]);
    } finally {
      process.umask(umask);
    }
  });

  it("takes many uploads at once, each under its own key", async () => {
    const { store, upload } = await openStore();
    const zips = await Promise.all([1, 2, 3, 4, 5].map((n) => zipOf({ "script.sh": `echo ${n}\n` })));
    const artifacts = await Promise.all(zips.map(upload));
    const scripts = artifacts.map(({ key }) => readFile(join(store.filesFolder(key), "script.sh"), "utf8"));
    expect(await Promise.all(scripts)).toEqual([1, 2, 3, 4, 5].map((n) => `echo ${n}\n`));
    expect(await store.keys()).toEqual(artifacts.map(({ key }) => key).sort());
  });

  it("is seen by nobody until it is published, and by everybody then", async () => {
    const { store, stage, onDisk } = await openStore();
    const staged = await stage(await zipOf(HELLO));
    expect(await store.keys()).toEqual([]);
    const { key } = await staged.publish();
    expect([await store.keys(), await store.has(key)]).toEqual([[key], true]);
    const published = await onDisk();
    await staged.discard();
    await expect(staged.publish()).rejects.toThrow("published");
    expect(await onDisk()).toEqual(published);
  });

  it("leaves nothing of what is discarded", async () => {
    const { stage, onDisk } = await openStore();
    const before = await onDisk();
    const staged = await stage(await zipOf(HELLO));
    await staged.discard();
    await staged.discard();
    await expect(staged.publish()).rejects.toThrow("discarded");
    expect(await onDisk()).toEqual(before);
  });

  it("hands out warnings with the artifact, and all faults at once, the script's own among them", async () => {
    const { stage, refused, onDisk } = await openStore();
    const before = await onDisk();
    const good = await stage(await zipOf({ "script.sh": "echo\n", ".env": "TOKEN=x" }));
    expect(good.findings.map(({ level, code }) => [level, code])).toEqual([
      ["warning", "private_file"],
      ["warning", "no_strict_mode"],
    ]);
    expect(good.facts).not.toBeNull();
    await good.discard();
    const script = { name: "script.sh", content: "#!/bin/zsh\nset -euo pipefail\nif true; then\n" };
    const zip = craftZip([script, { name: "../evil" }, { name: "link", mode: 0o120777 }]);
    expect((await refused(zip)).map(({ code, file, line }) => [code, file, line])).toEqual([
      ["unsafe_path", "../evil", null],
      ["link_or_special", "link", null],
      ["bash_syntax", "script.sh", 4],
      ["shebang_ignored", "script.sh", 1],
    ]);
    expect(await onDisk()).toEqual(before);
  });

  it("leaves nothing when it fails before anything is unpacked, or when it is published", async () => {
    const { folder, store, receive, stage, onDisk } = await openStore();
    const before = await onDisk();
    const now = (): never => {
      throw new Error("The clock stands still.");
    };
    const timeless = new ArtifactStore({ folder, clock: { now } });
    await expect(timeless.stage(await receive(await zipOf(HELLO)))).rejects.toThrow("The clock stands still.");
    expect(await onDisk()).toEqual(before);
    const staged = await stage(await zipOf(HELLO));
    const [name = ""] = await readdir(join(folder, ".staging"));
    await rm(join(folder, ".staging", name), { recursive: true });
    await expect(staged.publish()).rejects.toMatchObject({ code: "ENOENT" });
    expect(await onDisk()).toEqual(before);
    expect(await store.keys()).toEqual([]);
  });

  it("says in plain words that the disk is full, and leaves nothing", async () => {
    const unpack = (): never => {
      writeFileSync("/dev/full", "the system refuses this as it does on a full disk");
      throw new Error("unreachable");
    };
    const { receive, store, onDisk } = await openStore({}, unpack);
    const before = await onDisk();
    const staging = store.stage(await receive(await zipOf(HELLO)));
    await expect(staging).rejects.toMatchObject({ code: "insufficient_storage", reason: "disk_full" });
    expect(await onDisk()).toEqual(before);
  });

  it("removes the upload also when there is no place to unpack it", async () => {
    const { folder, receive, onDisk } = await openStore();
    const before = await onDisk();
    const store = new ArtifactStore({ folder: join(folder, "never-prepared"), clock: { now: () => NOW } });
    await expect(store.stage(await receive(await zipOf(HELLO)))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await onDisk()).toEqual(before);
  });

  it("says what is wrong when the upload is not there", async () => {
    const { store, onDisk } = await openStore();
    const before = await onDisk();
    const file = { path: store.newUpload(), name: "a.zip", sha256: "", bytes: 1 };
    await expect(store.stage(file)).rejects.toMatchObject({ code: "ENOENT" });
    expect(await onDisk()).toEqual(before);
  });
});

describe("remove", () => {
  it("removes one artifact and leaves the others", async () => {
    const { store, upload, onDisk } = await openStore();
    const kept = await upload(await zipOf(HELLO));
    const before = await onDisk();
    const { key } = await upload(await zipOf(HELLO));
    await store.remove(key);
    expect(await onDisk()).toEqual(before);
    expect(await store.keys()).toEqual([kept.key]);
  });

  it("does not mind an artifact that is gone", async () => {
    const { store } = await openStore();
    await expect(store.remove("20260203-120509-0123abcd")).resolves.toBeUndefined();
  });

  it.each(["", ".", "..", ".staging", "../20260203-120509-0123abcd", "20260203-120509-0123abcd/files"])(
    "takes nothing but a key: %j",
    async (key) => {
      const { store } = await openStore();
      await expect(store.remove(key)).rejects.toMatchObject({ code: "not_found" });
      expect(() => store.zipFile(key)).toThrow("no artifact");
      expect(() => store.filesFolder(key)).toThrow("no artifact");
    },
  );
});

describe("has", () => {
  it.each([["artifact.zip"], ["files"]])("tells that %s is gone", async (part) => {
    const { store, upload, folder } = await openStore();
    const { key } = await upload(await zipOf(HELLO));
    expect(await store.has(key)).toBe(true);
    await rm(join(folder, key, part), { recursive: true });
    expect(await store.has(key)).toBe(false);
    await store.remove(key);
    expect(await store.has(key)).toBe(false);
  });
});

it("prepare makes the folders, however deep", async () => {
  const { folder } = await openStore();
  const store = new ArtifactStore({ folder: join(folder, "a/b"), clock: { now: () => NOW } });
  await store.prepare();
  expect(await store.keys()).toEqual([]);
});
