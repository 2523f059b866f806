// The page on watching: its lines are run as they stand there, by bash and curl, while something happens.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { ADMIN_TOKEN, startApp } from "./support/app.js";
import { scriptZip } from "./support/scripts.js";

it("shows what happens, from now on, from the beginning, behind an event, and of one execution", async () => {
  const started = await startApp();
  const { app, sdk } = started;
  await sdk.batches.create(await scriptZip("echo hello"), { name: "greet" });
  const run = async () => started.ended(await sdk.batches.run("greet"));
  for (let i = 0; i < 3; i++) await run();
  const page = await readFile("docs/live.md", "utf8");
  const [block = ""] = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  const [auth = "", ...lines] = block.trim().split("\n");
  const env = { PATH: process.env["PATH"], TOKEN: ADMIN_TOKEN, API: `${app.url}/api/v1` };
  const expected = [
    /execution\.queued.*execution\.finished/s,
    /batch\.uploaded.*execution\.finished/s,
    /^event: event\ndata: .*execution\.finished.*\nid: \d+$/m,
    /execution\.finished/,
    /event: status\n.*event: output\n.*hello.*event: end\ndata: \{"status":"completed"\}\nid: [0-9a-z-]+-end\n\n$/s,
    /^hello\n$/,
  ];
  expect(lines).toHaveLength(expected.length);
  for (const [i, line] of lines.entries()) {
    const curl = spawn("bash", ["-c", `${auth}\nexec ${line}`], { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    for await (const chunk of curl.stdout.setEncoding("utf8") as AsyncIterable<string>) {
      // The stream is open: now something is to happen.
      if (text === "") await run();
      text += chunk;
      if (expected[i]!.test(text)) curl.kill();
    }
    if (curl.exitCode === null && curl.signalCode === null) await once(curl, "exit");
    expect(text, line).toMatch(expected[i]!);
  }
});
