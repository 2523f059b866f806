// A real SMTP server for one test: keeps what it was sent, and can be told to refuse, to hang, or to die at a bad moment.
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { simpleParser, type ParsedMail } from "mailparser";
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from "smtp-server";
import { onTestFinished, vi } from "vitest";
import { PATIENCE } from "./patience.js";

/** What it does with the next message; `drop`: takes it and breaks the connection before it says so. */
export type Manner = "take" | "refuse_recipient" | "refuse_message" | "hang_at_once" | "hang_after_data" | "drop";

export interface ReceivedMail extends ParsedMail {
  /** To whom the envelope said it goes. */
  recipients: string[];
}

/** With characters that an address must have encoded. */
export const PASSWORD = "s3cret/%";

export class MailServer {
  manner: Manner = "take";
  /** Every message that came whole, whether it said so or not. */
  readonly mails: ReceivedMail[] = [];
  private server: SMTPServer | null = null;
  private readonly sockets = new Set<Socket>();
  private port = 0;

  private constructor(private readonly options: { host: string; encrypts: boolean }) {}

  /**
   * A server that listens, asks for a password, and is gone when the test has finished.
   *
   * @param encrypts whether it offers STARTTLS, with a certificate that nobody trusts
   */
  static async start({ host = "127.0.0.1", encrypts = true } = {}): Promise<MailServer> {
    const server = new MailServer({ host, encrypts });
    await server.open();
    onTestFinished(() => server.close());
    return server;
  }

  /** What a service that is to use it needs. */
  get settings() {
    const password = encodeURIComponent(PASSWORD);
    return {
      SMTP_URL: `smtp://batchline:${password}@${this.options.host}:${this.port}`,
      MAIL_FROM: "Batchline <b@example.org>",
    };
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.server?.connections.size ?? 0;
  }

  /** Listens, again on the same port if it was closed. */
  async open(): Promise<void> {
    this.server = new SMTPServer({
      logger: false,
      ...(this.options.encrypts ? {} : { disabledCommands: ["STARTTLS"], allowInsecureAuth: true }),
      onAuth: ({ username, password }, _session, callback) =>
        username === "batchline" && password === PASSWORD
          ? callback(null, { user: username })
          : callback(new Error(`no ${password}`)),
      onConnect: (_session, callback) => this.manner !== "hang_at_once" && callback(),
      onRcptTo: (_address, _session, callback) =>
        callback(this.manner === "refuse_recipient" ? new Error("no such mailbox") : null),
      onData: (stream, session, callback) => void this.receive(stream, session, callback),
    });
    this.server.server.on("connection", (socket: Socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    // A client that breaks off is what some tests are about.
    this.server.on("error", () => undefined);
    this.server.listen(this.port, this.options.host);
    await once(this.server.server, "listening");
    this.port = (this.server.server.address() as AddressInfo).port;
  }

  /** Refuses all connections from now on. */
  async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
    const closed = new Promise<void>((resolve) => server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** All mails once there are `count` or more, oldest first. */
  received(count: number): Promise<ReceivedMail[]> {
    return vi.waitFor(() => {
      if (this.mails.length < count) throw new Error(`Of ${count} mails ${this.mails.length} have come.`);
      return this.mails;
    }, PATIENCE);
  }

  private async receive(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    callback: (error?: Error | null) => void,
  ): Promise<void> {
    const message = await buffer(stream).catch((error: unknown) => {
      // The client broke off in the middle (a service that is stopped does): then no message has come.
      if ((error as NodeJS.ErrnoException).code === "ECONNECTION") return null;
      throw error;
    });
    if (!message) return;
    const parsed = await simpleParser(message);
    this.mails.push({ ...parsed, recipients: session.envelope.rcptTo.map(({ address }) => address) });
    if (this.manner === "refuse_message") callback(new Error("not today"));
    else if (this.manner === "drop") this.socketOf(session)?.destroy();
    else if (this.manner !== "hang_after_data") callback();
  }

  private socketOf({ remotePort }: SMTPServerSession): Socket | undefined {
    return [...this.sockets].find((socket) => socket.remotePort === remotePort);
  }
}
