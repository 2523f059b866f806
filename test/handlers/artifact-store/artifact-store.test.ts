// The life of an artifact: put, found again, removed; and what happens to things left half done.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ArtifactStore } from "../../../src/handlers/artifact-store/artifact-store.js";
import { zipOf } from "../../support/zips.js";
import { NOW, openStore } from "./open-store.js";

const HELLO = { "script.sh": "echo hello\n", "data/words.txt": "one\ntwo\n" };

describe("put", () => {
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

  it("leaves nothing when it fails after all is unpacked", async () => {
    const { folder, receive, onDisk } = await openStore();
    const before = await onDisk();
    const now = (): never => {
      throw new Error("The clock stands still.");
    };
    const store = new ArtifactStore({ folder, clock: { now } });
    await expect(store.put(await receive(await zipOf(HELLO)))).rejects.toThrow("The clock stands still.");
    expect(await onDisk()).toEqual(before);
  });

  it("says in plain words that the disk is full, and leaves nothing", async () => {
    const { folder, receive, onDisk } = await openStore();
    const before = await onDisk();
    const now = (): number => {
      writeFileSync("/dev/full", "the system refuses this as it does on a full disk");
      return NOW;
    };
    const store = new ArtifactStore({ folder, clock: { now } });
    const putting = store.put(await receive(await zipOf(HELLO)));
    await expect(putting).rejects.toMatchObject({ code: "unavailable", reason: "disk_full" });
    expect(await onDisk()).toEqual(before);
  });

  it("removes the upload also when there is no place to unpack it", async () => {
    const { folder, receive, onDisk } = await openStore();
    const before = await onDisk();
    const store = new ArtifactStore({ folder: join(folder, "never-prepared"), clock: { now: () => NOW } });
    await expect(store.put(await receive(await zipOf(HELLO)))).rejects.toMatchObject({ code: "ENOENT" });
    expect(await onDisk()).toEqual(before);
  });

  it("says what is wrong when the upload is not there", async () => {
    const { store, onDisk } = await openStore();
    const before = await onDisk();
    await expect(store.put(join(store.stagingFolder, "nothing"))).rejects.toMatchObject({ code: "ENOENT" });
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

describe("prepare", () => {
  it("removes from staging what is older than an hour, and nothing else", async () => {
    const { store, upload, onDisk } = await openStore();
    await upload(await zipOf(HELLO));
    const before = await onDisk();
    const leave = async (name: string, ageMinutes: number): Promise<void> => {
      const path = join(store.stagingFolder, name);
      await mkdir(path);
      await writeFile(join(path, "artifact.zip"), "half");
      await utimes(path, (NOW - ageMinutes * 60_000) / 1000, (NOW - ageMinutes * 60_000) / 1000);
    };
    await leave("put-old", 61);
    await leave("put-young", 59);
    await store.prepare();
    const staging = (await onDisk()).filter((line) => !before.includes(line)).map((line) => line.split(" ")[0]);
    expect(staging).toEqual([".staging/put-young/", ".staging/put-young/artifact.zip"]);
  });

  it("makes the folders, however deep", async () => {
    const { folder } = await openStore();
    const store = new ArtifactStore({ folder: join(folder, "a/b"), clock: { now: () => NOW } });
    await store.prepare();
    expect(await store.keys()).toEqual([]);
  });
});
