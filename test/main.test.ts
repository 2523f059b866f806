// The server process: what it says when it cannot start, and how it ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";

interface Ended {
  code: number | null;
  output: string;
}

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "batchline-main-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs the server from its sources in a folder until it ends; SIGTERM twice once it is ready, as npm hands it on. */
async function runServer(folder: string, settings: Record<string, string>): Promise<Ended> {
  const root = process.cwd();
  const loader = path.join(root, "tools/typescript.mjs");
  const server = spawn(process.execPath, ["--import", loader, path.join(root, "src/main.ts")], {
    cwd: folder,
    env: {
      PATH: process.env["PATH"],
      TSX_TSCONFIG_PATH: path.join(root, "tsconfig.json"),
      PORT: "0",
      CONCURRENCY: "1",
      ...settings,
    },
  });
  let output = "";
  for (const stream of [server.stdout, server.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("is ready")) for (let i = 0; i < 2; i++) server.kill("SIGTERM");
    });
  }
  const [code] = (await once(server, "close")) as [number | null];
  return { code, output };
}

it("prints the administrator's token at the first start, never again, and ends cleanly", async () => {
  const folder = await newFolder();
  const first = await runServer(folder, {});
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining("token") as string });
  expect(first.output).toMatch(/\n {2}bl_1_[\w-]{43}\n/);
  const second = await runServer(folder, {});
  expect(second.code).toBe(0);
  expect(second.output).not.toContain("bl_1_");
});

it("says that its port is taken, and has not used up the token then", async () => {
  const folder = await newFolder();
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const refused = await runServer(folder, { PORT: String(port) });
  other.close();
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.output).toBe(
    `The service cannot start: port ${port} on 127.0.0.1 is taken; end what uses it, or set PORT to another.\n`,
  );
  expect((await runServer(folder, {})).output).toMatch(/bl_1_/);
});

it("says which folder it cannot write", async () => {
  const folder = await newFolder();
  await writeFile(path.join(folder, "file"), "");
  const refused = await runServer(folder, { UPLOADS_DIR: "file/uploads" });
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.output).toMatch(/^The folder .*file\/uploads cannot be written: .* or set UPLOADS_DIR\.\n$/);
});

it("names every variable that it cannot use, and no secret", async () => {
  const settings = { PORT: "x", ADMIN_TOKEN: "short!", DATABASE_URL: "mysql://u:secret@h:abc/x" };
  const refused = await runServer(await newFolder(), settings);
  expect(refused.code).toBe(1);
  for (const name of ["PORT", "ADMIN_TOKEN", "DATABASE_URL"]) expect(refused.output).toContain(`\n  ${name} `);
  expect(refused.output).not.toMatch(/secret|short!/);
});

it("says that no database answers", async () => {
  const settings = { DATABASE_URL: "mariadb://u:secret@127.0.0.1:9/x", DATABASE_WAIT: "1ms", LOG_LEVEL: "silent" };
  const refused = await runServer(await newFolder(), settings);
  expect(refused).toMatchObject({ code: 1 });
  expect(refused.output).toMatch(/^The database cannot be opened \(no server answers there: ECONNREFUSED\)\. .*\n$/);
});
