// What a script sees: its files, arguments, variables, input and reports (behaviour.md, section 2).
import { existsSync } from "node:fs";
import path from "node:path";
import { expect, it, onTestFinished } from "vitest";
import type { BatchConfigInput, BatchlineClient, ExecutionView, RunRequest } from "../../src/sdk/client.js";
import { startApp } from "../support/app.js";
import { pass, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { PATIENCE } from "../support/patience.js";
import { scriptZip } from "../support/scripts.js";
import { zipOf, type ZipFiles } from "../support/zips.js";

/** Every argument on a line of its own, between brackets. */
const SHOW_ARGUMENTS = `for argument in "$@"; do printf '<%s>\\n' "$argument"; done`;
/** The variables as the script was given them, not as its bash changes them. */
const SHOW_VARIABLES = `tr '\\0' '\\n' </proc/$$/environ`;

/** Uploads a batch of these files and runs it once. */
async function runOnce(
  sdk: BatchlineClient,
  files: ZipFiles,
  config: Partial<BatchConfigInput> = {},
  request: RunRequest = {},
): Promise<{ row: ExecutionView; log: string }> {
  const name = config.name ?? "batch";
  await sdk.batches.create(new Uint8Array(await zipOf(files)), { ...config, name });
  return runAgain(sdk, name, request);
}

async function runAgain(sdk: BatchlineClient, name: string, request: RunRequest = {}) {
  const row = await finalRow(sdk, await sdk.batches.run(name, request));
  return { row, log: await sdk.executions.log(row.id) };
}

/** Sets variables of the service's own environment for the time of this test. */
function setEnvironment(variables: Record<string, string>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    onTestFinished(() => {
      if (before === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before;
    });
  }
}

function variablesIn(log: string): Map<string, string> {
  const pairs = log.split("\n").map((line): [string, string] => {
    const [name = "", ...value] = line.split("=");
    return [name, value.join("=")];
  });
  return new Map(pairs.filter(([name]) => name !== ""));
}

it("gives every run a copy of the files of its own: what one does to them no later one sees", async () => {
  const { sdk } = await startApp();
  const script = [
    "cat data.txt sub/deep.txt",
    "ls -A . sub",
    "echo changed >>data.txt; chmod 000 sub/deep.txt; rm -rf sub script.sh; touch new",
  ].join("\n");
  const files = { "script.sh": script, "data.txt": "as uploaded\n", "sub/deep.txt": "deep\n", "empty/": "" };
  const first = await runOnce(sdk, files);
  expect(first.log).toBe("as uploaded\ndeep\n.:\ndata.txt\nempty\nscript.sh\nsub\n\nsub:\ndeep.txt\n");
  expect((await runAgain(sdk, "batch")).log).toBe(first.log);
});

it("runs two executions of one batch at once in different folders", async () => {
  const { sdk, config } = await startApp();
  const gate = await Gate.make();
  const zip = await scriptZip("pwd >where", gate.pass(), "cat where");
  await sdk.batches.create(zip, { name: "twice", overlap: "allow" });
  const both = await Promise.all([sdk.batches.run("twice"), sdk.batches.run("twice")]);
  await gate.arrival();
  await gate.arrival();
  gate.open(2);
  const rows = await Promise.all(both.map((one) => finalRow(sdk, one)));
  const [one, other] = await Promise.all(rows.map(({ id }) => sdk.executions.log(id)));
  expect(one).not.toBe(other);
  for (const folder of [one, other]) expect(folder?.startsWith(`${config.dataDir}${path.sep}`)).toBe(true);
});

it("hands over every argument as one, whatever characters it holds", async () => {
  const { sdk } = await startApp();
  const args = [
    "plain",
    "two words",
    "",
    " edge ",
    `it's "quoted"`,
    "line\nbreak",
    "*",
    "$HOME `id` \\",
    "-n",
    "søk 🚀",
  ];
  const { row, log } = await runOnce(sdk, { "script.sh": SHOW_ARGUMENTS }, { args });
  expect(log).toBe(args.map((argument) => `<${argument}>\n`).join(""));
  expect(row.args).toEqual(args);
});

it("takes the arguments of a request instead of the config's, for that run only", async () => {
  const { sdk } = await startApp();
  const config = { args: ["of", "config"] };
  const overridden = await runOnce(sdk, { "script.sh": SHOW_ARGUMENTS }, config, { args: ["of request"] });
  expect(overridden.log).toBe("<of request>\n");
  expect((await runAgain(sdk, "batch")).log).toBe("<of>\n<config>\n");
  expect((await runAgain(sdk, "batch", { args: [] })).log).toBe("");
});

it("gives the variables of the config, byte for byte", async () => {
  const { sdk } = await startApp();
  const env = { PLAIN: "value", MANY_LINES: "one\n two ", QUOTED: `"it's" $HOME \\`, EMPTY: "" };
  const script = `for name in PLAIN MANY_LINES QUOTED EMPTY; do printf '<%s>\\n' "\${!name-unset}"; done`;
  const { log } = await runOnce(sdk, { "script.sh": script }, { env });
  expect(log).toBe(`<value>\n<one\n two >\n<"it's" $HOME \\>\n<>\n`);
});

it("shows a script the allowed variables and none of the service's own", async () => {
  setEnvironment({ DATABASE_PASSWORD: "hush-hush", ADMIN_TOKEN: "hush-hush", NODE_OPTIONS_SECRET: "hush-hush" });
  setEnvironment({ LANG: "C.UTF-8", TZ: "Pacific/Auckland" });
  const { sdk } = await startApp();
  const { log } = await runOnce(sdk, { "script.sh": SHOW_VARIABLES }, { env: { OWN: "1" } });
  expect(log).not.toContain("hush-hush");
  const allowed = ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "TZ", "TMPDIR", "OWN"];
  const fromBash = ["PWD", "OLDPWD", "SHLVL", "_"];
  const seen = variablesIn(log);
  const others = [...seen.keys()].filter((name) => !name.startsWith("BATCHLINE_"));
  expect(others.filter((name) => ![...allowed, ...fromBash].includes(name))).toEqual([]);
  expect(Object.fromEntries(seen)).toMatchObject({ PATH: process.env["PATH"], TZ: "Pacific/Auckland", OWN: "1" });
});

it("passes the locale on, and lets the config choose another", async () => {
  setEnvironment({ LANG: "C.UTF-8", LC_ALL: "" });
  const { sdk } = await startApp();
  const script = `word=søk; echo "$LANG \${#word}"`;
  expect((await runOnce(sdk, { "script.sh": script })).log).toBe("C.UTF-8 3\n");
  const bytes = { name: "bytes", env: { LANG: "C" } };
  expect((await runOnce(sdk, { "script.sh": script }, bytes)).log).toBe("C 4\n");
});

it("gives an empty standard input", async () => {
  const { sdk } = await startApp();
  const { row, log } = await runOnce(sdk, { "script.sh": `cat; read -r line; echo "$?"` });
  expect([row.status, log]).toEqual(["completed", "1\n"]);
});

it("runs a script.sh without exec bit, exactly as it was uploaded", async () => {
  const { sdk } = await startApp();
  const content = "#!/bin/false\ncat script.sh # no newline at the end";
  const { row, log } = await runOnce(sdk, { "script.sh": { content, mode: 0o600 } });
  expect([row.status, log]).toEqual(["completed", content]);
});

it("tells the script who it is", async () => {
  const { sdk } = await startApp();
  const script = { "script.sh": `${SHOW_VARIABLES} | grep ^BATCHLINE_; exit 0` };
  const { row, log } = await runOnce(sdk, script, { name: "søk & co" });
  const variables = variablesIn(log);
  expect(Object.fromEntries(variables)).toMatchObject({
    BATCHLINE_BATCH: "søk & co",
    BATCHLINE_EXECUTION_ID: String(row.id),
    BATCHLINE_ATTEMPT: "1",
  });
  const names = ["BATCH", "VERSION", "EXECUTION_ID", "ATTEMPT", "STATE", "PROGRESS", "RESULT"].map(
    (name) => `BATCHLINE_${name}`,
  );
  expect([...variables.keys()].sort()).toEqual(names.sort());
});

it("tells a scheduled run its planned instant, and a chained one its chain run", async () => {
  const { sdk, clock, events } = await startApp();
  const lines = [`echo "$BATCHLINE_SCHEDULED_AT $BATCHLINE_CHAIN_RUN_ID"`];
  await uploadChain(sdk, { name: "head", cron: "30 * * * *", lines }, { name: "tail", lines });
  clock.advance({ hours: 1 });
  const { subject } = await events.find((event) => event.kind === "execution.queued" && event.subject.name === "tail");
  const tail = await finalRow(sdk, subject);
  const [head] = (await sdk.executions.list({ batch: "head" })).items;
  expect(await sdk.executions.log(head?.id ?? 0)).toBe(`2026-12-01T12:30:00.000Z ${tail.chainRunId}\n`);
  expect(await sdk.executions.log(tail.id)).toBe(` ${tail.chainRunId}\n`);
});

it("keeps a folder for each batch between its runs, and none for two", async () => {
  const { sdk } = await startApp();
  const files = { "script.sh": `echo "$BATCHLINE_BATCH" >>"$BATCHLINE_STATE/visits"; cat "$BATCHLINE_STATE/visits"` };
  expect((await runOnce(sdk, files, { name: "one" })).log).toBe("one\n");
  expect((await runAgain(sdk, "one")).log).toBe("one\none\n");
  expect((await runOnce(sdk, files, { name: "other" })).log).toBe("other\n");
});

it("forgets the folder of a deleted batch: its name begins anew", async () => {
  const { sdk } = await startApp();
  const files = { "script.sh": `touch "$BATCHLINE_STATE/$RANDOM"; ls "$BATCHLINE_STATE" | wc -l` };
  expect((await runOnce(sdk, files)).log).toBe("1\n");
  await sdk.batches.remove("batch");
  expect((await runOnce(sdk, files)).log).toBe("1\n");
});

it("puts the payload into a file as the JSON it was, and makes none without one", async () => {
  const { sdk } = await startApp();
  const files = { "script.sh": `[[ -v BATCHLINE_PAYLOAD ]] && cat "$BATCHLINE_PAYLOAD" || echo none` };
  const payload = { text: `it's "søk"\n$HOME`, list: [1, null, { deep: true }] };
  const { row, log } = await runOnce(sdk, files, {}, { payload });
  expect(JSON.parse(log)).toEqual(payload);
  expect(row.payload).toEqual(payload);
  expect((await runAgain(sdk, "batch")).log).toBe("none\n");
});

it("shows progress while the script runs, and keeps the last", async () => {
  const { sdk } = await startApp();
  const gate = await Gate.make();
  const zip = await scriptZip(
    `echo '40 loading' >"$BATCHLINE_PROGRESS"`,
    gate.pass(),
    `echo '3/4 nearly there' >>"$BATCHLINE_PROGRESS"`,
  );
  await sdk.batches.create(zip, { name: "steps" });
  const execution = await sdk.batches.run("steps");
  await gate.arrival();
  expect((await sdk.executions.get(execution.id)).progress).toEqual({ percent: 40, text: "loading" });
  gate.open();
  expect((await finalRow(sdk, execution)).progress).toEqual({ percent: 75, text: "nearly there" });
});

it("keeps results with the execution and hands them to successors that receive its output", async () => {
  const { sdk } = await startApp();
  const report = [`echo 'ROWS=12' >"$BATCHLINE_RESULT"`, `echo 'NOTE=it is "1=1" $HOME' >>"$BATCHLINE_RESULT"`];
  await uploadChain(
    sdk,
    { name: "count", lines: [...report, `echo 'not a result' >>"$BATCHLINE_RESULT"`] },
    { name: "use", previousOutput: true, lines: [`echo "$BATCHLINE_RESULT_ROWS|$BATCHLINE_RESULT_NOTE"`] },
  );
  const { count, use } = await pass(sdk, "count");
  expect(count?.results).toEqual({ ROWS: "12", NOTE: `it is "1=1" $HOME` });
  expect(await sdk.executions.log(use?.id ?? 0)).toBe(`12|it is "1=1" $HOME\n`);
  expect(use?.results).toBeNull();
});

it("removes the working folder once the run has ended", async () => {
  const { sdk } = await startApp();
  const { log } = await runOnce(sdk, { "script.sh": "pwd" });
  await expect.poll(() => existsSync(log.trim()), PATIENCE).toBe(false);
});
