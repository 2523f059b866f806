// The mail channel: what it hands over, what it trusts, and what it lets nobody see.
import { expect, it } from "vitest";
import type { AppError } from "../../src/errors.js";
import { MailChannel, type Mail } from "../../src/handlers/mail-channel.js";
import { MailServer, PASSWORD } from "../support/mail-server.js";

const MAIL: Mail = {
  messageId: "<1.failed.0@example.org>",
  date: new Date("2026-12-01T12:00:00Z"),
  to: "a@example.org",
  subject: 'Größe "x"\r\nBcc: b@example.org',
  text: "Größe\n",
  attachments: [],
};
const from = { name: "Läufe, nachts", address: "b@example.org" };

const send = (smtpUrl: string, mail: Partial<Mail> = {}, signal = new AbortController().signal) =>
  new MailChannel({ smtpUrl, from }).send({ ...MAIL, ...mail }, signal);

/** The error that a sending ends with. */
const refusal = (...given: Parameters<typeof send>) =>
  send(...given).then(
    () => expect.fail("It was sent."),
    (error: unknown) => error as AppError,
  );

it("hands a message over as it is; nothing in it becomes another header or recipient", async () => {
  const server = await MailServer.start();
  await send(server.settings.SMTP_URL);
  const [mail] = server.mails;
  expect(mail?.recipients).toEqual(["a@example.org"]);
  expect(mail?.headers.has("bcc")).toBe(false);
  expect(mail?.from?.value).toEqual([from]);
  expect(mail).toMatchObject({ messageId: MAIL.messageId, date: MAIL.date, text: MAIL.text });
});

it("sends nothing to an address with a line break, should one ever come so far", async () => {
  const server = await MailServer.start();
  for (const to of [
    "a@example.org\r\nRCPT TO:<b@example.org>",
    "a@example.org>\r\nDATA",
    "a@example.org, b@example.org",
  ]) {
    await send(server.settings.SMTP_URL, { to }).catch(() => undefined);
  }
  expect(server.mails.flatMap(({ recipients }) => recipients)).not.toContain("b@example.org");
  expect(server.mails.flatMap(({ headers }) => [...headers.keys()])).not.toContain("bcc");
});

it("says that a password was refused, and keeps it out of error and cause, whatever the server answers", async () => {
  const server = await MailServer.start();
  const wrong = server.settings.SMTP_URL.replace("s3cret", "an0ther");
  const error = await refusal(wrong);
  expect(error.message).toBe("The mail server refused user or password. Check SMTP_URL.");
  expect(JSON.stringify([error.message, error.stack, error.cause ?? null])).not.toContain("an0ther");
});

it("from another machine takes no certificate that is not trusted, and gives no password in the clear", async () => {
  // An address of this machine too, but not one that says so.
  const untrusted = await MailServer.start({ host: "127.0.0.2" });
  expect((await refusal(untrusted.settings.SMTP_URL)).message).toMatch(/broke off \([A-Z_]*CERT[A-Z_]*\)\.$/);
  const plain = await MailServer.start({ host: "127.0.0.2", encrypts: false });
  expect((await refusal(plain.settings.SMTP_URL)).message).toBe(
    "The connection to the mail server could not be encrypted.",
  );
  expect([...untrusted.mails, ...plain.mails]).toEqual([]);
  const local = await MailServer.start({ encrypts: false });
  await send(local.settings.SMTP_URL);
  expect(local.mails).toHaveLength(1);
});

it("names a server that is not there, or whose name leads nowhere", async () => {
  const server = await MailServer.start();
  await server.close();
  const gone = await refusal(server.settings.SMTP_URL);
  expect(gone.message).toBe("The mail server could not be reached, or broke off (ECONNREFUSED).");
  const nowhere = await refusal(`smtp://user:${encodeURIComponent(PASSWORD)}@mail.invalid`);
  expect(nowhere.message).toBe("The mail server's name leads nowhere. Check SMTP_URL.");
});

it("breaks off at once when it is told to", async () => {
  const server = await MailServer.start();
  server.manner = "hang_after_data";
  const stop = new AbortController();
  const sending = refusal(server.settings.SMTP_URL, {}, stop.signal);
  await server.received(1);
  stop.abort();
  expect((await sending).code).toBe("unavailable");
});
