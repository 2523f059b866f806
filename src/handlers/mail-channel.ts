// The mail channel: hands one message to the SMTP server, and says in plain words why that one did not take it.
import { createTransport, type NodemailerError, type SMTPTransportOptions } from "nodemailer";
import { AppError } from "../errors.js";

/** An address with the name that stands before it, which may be empty. */
export interface Mailbox {
  name: string;
  address: string;
}

/** A message to one recipient. */
export interface Mail {
  /** With its angle brackets. */
  messageId: string;
  date: Date;
  to: string;
  subject: string;
  text: string;
  attachments: { filename: string; content: Buffer }[];
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 30_000;
/** Longer than this no sending takes, however slowly the server listens. */
export const SENDING_MS = 4 * 60_000;
/** More than so much of what a server answers is not passed on. */
const MAX_ANSWER = 300;
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];

export class MailChannel {
  private readonly transport;
  private readonly from: Mailbox;

  /** @param smtpUrl `smtp://user:password@host:port` or `smtps://...` */
  constructor({ smtpUrl, from }: { smtpUrl: string; from: Mailbox }) {
    const url = new URL(smtpUrl);
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    // On this very machine nobody listens in, and the certificate of a relay there is seldom one to be checked.
    const remote = !LOOPBACK.includes(host.toLowerCase());
    const auth = { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) };
    this.from = from;
    const options: SMTPTransportOptions = {
      host,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      secure: url.protocol === "smtps:",
      ...(auth.user === "" ? {} : { auth, requireTLS: remote }),
      tls: { rejectUnauthorized: remote },
      connectionTimeout: CONNECT_MS,
      greetingTimeout: SILENCE_MS,
      socketTimeout: SILENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    };
    this.transport = createTransport(options);
  }

  /**
   * Hands a message over; returns once the server has taken it.
   *
   * @param signal ends it early; the server may have taken the message all the same
   * @throws AppError `unavailable`, with what the server said or did not say
   */
  async send({ to, attachments, ...mail }: Mail, signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(SENDING_MS);
    try {
      const { rejected } = await this.transport.sendMail({
        ...mail,
        from: this.from,
        // As objects: an address is never parsed, and so never taken for two.
        to: { name: "", address: to },
        // No machine is to answer a machine (RFC 3834).
        headers: { "Auto-Submitted": "auto-generated" },
        attachments: attachments.map((one) => ({ ...one, contentType: "text/plain; charset=utf-8" })),
        signal: AbortSignal.any([signal, deadline]),
      });
      if (rejected.length > 0) throw new AppError("unavailable", "The mail server refused the recipient.");
    } catch (error) {
      if (error instanceof AppError) throw error;
      // What a server says to a wrong password may hold that password; not even the server log is to have it.
      const cause = isAboutPassword(error as NodemailerError) ? undefined : error;
      throw new AppError("unavailable", inWords(error as NodemailerError), { cause });
    }
  }
}

function isAboutPassword({ code }: NodemailerError): boolean {
  return code === "EAUTH" || code === "ENOAUTH";
}

/** Why a sending failed; with nothing in it that came from SMTP_URL. */
function inWords(error: NodemailerError): string {
  const { code = "", originalCode = "", command, response } = error;
  if (isAboutPassword(error)) return "The mail server refused user or password. Check SMTP_URL.";
  if (code === "ETLS") return "The connection to the mail server could not be encrypted.";
  if (response !== undefined) {
    const what = command === "RCPT TO" ? "the recipient" : command === "MAIL FROM" ? "the sender" : "the message";
    return `The mail server refused ${what}: ${response.replace(/\s+/g, " ").slice(0, MAX_ANSWER)}`;
  }
  const unreachable = `The mail server could not be reached, or broke off${originalCode && ` (${originalCode})`}.`;
  const words: Record<string, string> = {
    EABORT: "The mail server did not take the message within 4 minutes.",
    ETIMEDOUT: "The mail server did not answer in time.",
    EDNS: "The mail server's name leads nowhere. Check SMTP_URL.",
    ESOCKET: unreachable,
    ECONNECTION: unreachable,
  };
  return words[code] ?? "The message could not be sent; the server log says why.";
}
