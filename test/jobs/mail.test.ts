// Mail about executions: what it says, and what is attached to it.
import { describe, expect, it } from "vitest";
import type { BatchConfigInput } from "../../src/sdk/client.js";
import { startApp, type TestApp } from "../support/app.js";
import { pass, uploadChain } from "../support/chains.js";
import { Gate } from "../support/gate.js";
import { finalRow } from "../support/ledger.js";
import { MailServer, type ReceivedMail } from "../support/mail-server.js";
import { scriptZip } from "../support/scripts.js";

interface Post {
  server: MailServer;
  app: TestApp;
}

/** A mail server, and a service that uses it. */
async function startPost(settings: Record<string, string> = {}): Promise<Post> {
  const server = await MailServer.start();
  return { server, app: await startApp({ ...server.settings, ...settings }) };
}

const to = (...emails: string[]) => ({ alerts: { emails } });

/** Uploads a batch of these lines, runs it to its end and gives that. */
async function run({ app }: Post, config: BatchConfigInput, ...lines: string[]) {
  await app.sdk.batches.create(await scriptZip(...lines), config);
  return finalRow(app.sdk, await app.sdk.batches.run(config.name));
}

/** The facts that a mail's text lists. */
function factsOf({ text = "" }: ReceivedMail): Record<string, string> {
  const rows = [...text.matchAll(/^([A-Z][a-z ]+): +(.*)$/gm)];
  return Object.fromEntries(rows.map(([, name = "", fact = ""]) => [name, fact]));
}

describe("a mail", () => {
  it("about a failure says what, when, why and what was printed last", async () => {
    const post = await startPost({ PUBLIC_URL: "https://batch.example.org/b" });
    const name = 'Nächtliche "Zählung" %0d%0aBcc: x@example.org';
    const config = { name, timeZone: "Europe/Berlin", ...to("ops@example.org") };
    const { id } = await run(post, config, "seq 1 60", "printf 'k\\303\\244se \\377 \\033[31mred\\r\\n' >&2", "exit 3");
    const [mail] = await post.server.received(1);
    expect(mail).toMatchObject({
      subject: `[Batchline] "${name}" failed (execution ${id})`,
      from: { value: [{ name: "Batchline", address: "b@example.org" }] },
      to: { value: [{ name: "", address: "ops@example.org" }] },
      recipients: ["ops@example.org"],
      attachments: [],
    });
    expect(mail?.messageId).toMatch(new RegExp(`^<${id}\\.failed\\.[0-9a-f]{16}@batch\\.example\\.org>$`));
    expect(mail?.headers.get("auto-submitted")).toBe("auto-generated");
    expect(factsOf(mail as ReceivedMail)).toEqual({
      Batch: name,
      Execution: String(id),
      Status: "failed",
      Reason: "The script ended with exit code 3.",
      "Exit code": "3",
      Start: "2026-12-01 13:00:00 Europe/Berlin (2026-12-01T12:00:00.000Z)",
      End: "2026-12-01 13:00:00 Europe/Berlin (2026-12-01T12:00:00.000Z)",
      Duration: "0 ms",
      Log: `https://batch.example.org/b/api/v1/executions/${id}/log`,
    });
    const lines = Array.from({ length: 50 }, (_, i) => `${i + 11}`).join("\n");
    expect(mail?.text).toContain(`\n\nThe last 50 lines of the log:\n\n${lines}\n\nThe error log:\n\n`);
    expect(mail?.text).toContain("käse \ufffd \\u{1b}[31mred\n");
  });

  it("about a success shows a short log whole, and not the error log", async () => {
    const post = await startPost();
    await run(post, { name: "fine", ...to("a@example.org") }, "echo one", "echo two", "echo aside >&2");
    const [mail] = await post.server.received(1);
    expect(mail?.subject).toMatch(/"fine" completed/);
    expect(mail?.text).toMatch(/\n\nThe log:\n\none\ntwo\n$/);
    expect(factsOf(mail as ReceivedMail)).toMatchObject({ Status: "completed", "Exit code": "0" });
  });

  it("about a timeout, a warning and a run that printed nothing says so", async () => {
    const post = await startPost();
    const gate = await Gate.make();
    await run(post, { name: "slow", timeout: "50ms", ...to("a@example.org") }, gate.pass());
    await run(post, { name: "odd", warningExitCodes: [4], ...to("a@example.org") }, "exit 4");
    const [slow, odd] = await post.server.received(2);
    expect(slow?.subject).toContain('"slow" timed out');
    expect(factsOf(slow as ReceivedMail)).toMatchObject({
      Status: "timed_out",
      Reason: "It ran longer than its timeout of 50ms.",
      "Exit code": "none",
    });
    expect(slow?.text).toContain("The log is empty.");
    expect(odd?.subject).toContain('"odd" completed with a warning');
  });

  it("about what was aborted names the reason, and the execution's address instead of a log's", async () => {
    const post = await startPost();
    const both = to("a@example.org");
    await uploadChain(
      post.app.sdk,
      { name: "head", lines: ["exit 1"], ...both },
      { name: "next", lines: ["true"], ...both },
    );
    const { next } = await pass(post.app.sdk, "head");
    const mails = await post.server.received(2);
    const about = mails.find(({ subject }) => subject?.includes("aborted"));
    expect(about?.subject).toBe(`[Batchline] "next" was aborted (execution ${next?.id ?? 0})`);
    const facts = factsOf(about as ReceivedMail);
    expect(facts).toMatchObject({ Status: "aborted", Start: "never", Duration: "none", Reason: next?.reason?.text });
    expect(facts["Address"]).toBe(`${post.app.app.url}/api/v1/executions/${next?.id ?? 0}`);
    expect(about?.text).not.toMatch(/log/i);
  });

  it("reads no more of a log than its last 16 KiB", async () => {
    const post = await startPost();
    await run(
      post,
      { name: "wide", ...to("a@example.org") },
      "head -c 30000 /dev/zero | tr '\\0' x",
      "echo",
      "echo end",
    );
    const { text = "" } = (await post.server.received(1))[0] ?? {};
    expect(text).toMatch(/The last line of the log:\n\nend\n$/);
    await run(post, { name: "wider", ...to("a@example.org") }, "head -c 30000 /dev/zero | tr '\\0' y");
    expect((await post.server.received(2))[1]?.text).toMatch(/The last line of the log:\n\ny{16384}\n$/);
  });
});

describe("the attached log", () => {
  const alerts = { emails: ["a@example.org"], attachLog: true };

  it("is whole, with the error log beside it where there is one", async () => {
    const post = await startPost();
    const { id } = await run(post, { name: "both", alerts }, "printf 'k\\303\\244se \\377\\n'", "echo problem >&2");
    const [both] = await post.server.received(1);
    expect(both?.attachments.map(({ filename, content }) => [filename, content.toString("latin1")])).toEqual([
      [`execution-${id}.log`, Buffer.from("käse ").toString("latin1") + "\xff\n"],
      [`execution-${id}.error.log`, "problem\n"],
    ]);
    expect(both?.text).not.toContain("problem");
    await run(post, { name: "silent", alerts }, "true");
    expect((await post.server.received(2))[1]?.attachments).toEqual([]);
  });

  it("is the last 5 MB of a longer one, and the mail says so", async () => {
    const post = await startPost();
    const { id } = await run(
      post,
      { name: "long", alerts },
      "head -c 6000000 /dev/zero | tr '\\0' x",
      "echo; echo end",
    );
    const [mail] = await post.server.received(1);
    const content = mail?.attachments[0]?.content ?? Buffer.alloc(0);
    expect(content.length).toBe(5 * 1024 ** 2);
    expect(content.subarray(-6).toString()).toBe("x\nend\n");
    expect(mail?.text).toContain(`\nThe attached execution-${id}.log is the last 5 MB of 6000005 bytes.\n`);
  });
});
