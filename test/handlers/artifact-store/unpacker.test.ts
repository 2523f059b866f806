// Unpacking happens beside the service, in few threads, and whatever way the service itself was started.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { open } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { crc32, deflateRawSync } from "node:zlib";
import { expect, it } from "vitest";
import { readCentralDirectory } from "../../../src/handlers/artifact-store/central-directory.js";
import { Turns } from "../../../src/handlers/turns.js";
import { Unpacker } from "../../../src/handlers/artifact-store/unpacker.js";
import { craftZip, zipOf } from "../../support/zips.js";
import { openStore } from "./open-store.js";

it("leaves the service free while a large archive is unpacked", async () => {
  const { store, receive } = await openStore();
  const content = Buffer.from(randomBytes(2 * 1024 * 1024).toString("hex"));
  const part = { packed: deflateRawSync(content, { level: 1 }), crc: crc32(content), size: content.length };
  const parts = Array.from({ length: 15 }, (_, n) => ({ ...part, name: `part${n}` }));
  const upload = await receive(craftZip([{ name: "script.sh", content: "true\n" }, ...parts]));
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const { facts } = await store.stage(upload);
  delay.disable();
  expect(facts?.unpackedBytes).toBe(15 * content.length + 5);
  expect(delay.max / 1e6).toBeLessThan(250);
});

it("hears from the thread what is wrong with an archive, and what is wrong with the disk", async () => {
  const content = randomBytes(5 * 1024 * 1024);
  const damaged = { name: "damaged", content, method: 0, crc: 1 };
  const zip = craftZip([{ name: "script.sh", content: "true\n" }, damaged]);
  const { refused, receive, onDisk, store } = await openStore();
  const before = await onDisk();
  expect(await refused(zip)).toMatchObject([{ code: "bad_zip", file: "damaged" }, { code: "no_strict_mode" }]);
  expect(await onDisk()).toEqual(before);
  const { path } = await receive(zip);
  const file = await open(path);
  const archive = await readCentralDirectory(file, 10).finally(() => file.close());
  const order = { zipFile: path, filesFolder: `${store.newUpload()}/not/there`, archive, isPart: false };
  await expect(new Unpacker().unpack(order)).rejects.toMatchObject({ code: "ENOENT" });
});

it("works in a service that runs from its TypeScript sources", async () => {
  const { folder, receive, store } = await openStore();
  const large = randomBytes(100_000).toString("hex");
  const upload = await receive(await zipOf({ "script.sh": "echo hello\n", "large.txt": large }));
  const loader = new URL("../../../tools/typescript.mjs", import.meta.url).href;
  const program = fileURLToPath(new URL("put-once.ts", import.meta.url));
  const args = ["--import", loader, program, folder, JSON.stringify(upload)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toMatchObject({ fileCount: 2 });
  expect(await store.keys()).toHaveLength(1);
});

it("gives turns to no more than allowed at once, in order, also after failures", async () => {
  const turns = new Turns(2);
  const started: number[] = [];
  const ends: ((error?: Error) => void)[] = [];
  const work = [0, 1, 2, 3].map((n) =>
    turns.take(() => {
      started.push(n);
      return new Promise<number>((resolve, reject) => ends.push((error) => (error ? reject(error) : resolve(n))));
    }),
  );
  expect(started).toEqual([0, 1]);
  ends[1]?.(new Error("failed"));
  await expect(work[1]).rejects.toThrow("failed");
  expect(started).toEqual([0, 1, 2]);
  ends[0]?.();
  expect(await work[0]).toBe(0);
  expect(started).toEqual([0, 1, 2, 3]);
  ends[2]?.();
  ends[3]?.();
  expect(await Promise.all([work[2], work[3]])).toEqual([2, 3]);
  expect(await turns.take(() => Promise.resolve("free again"))).toBe("free again");
});
