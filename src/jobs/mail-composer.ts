// The mail composer: gathers what a mail tells of, as it is when the mail is sent, from the ledger and the log store.
import type { Database } from "../database/database.js";
import { Batch } from "../entities/batch.js";
import type { Delivery } from "../entities/delivery.js";
import { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { LogStore, LogStream } from "../handlers/log-store.js";
import type { Mail } from "../handlers/mail-channel.js";
import { mailAbout, type Tail } from "./mail-text.js";

interface Collaborators {
  database: Database;
  logs: LogStore;
  /** Where people reach the service; asked when needed, because the port may be settled late. */
  publicUrl: () => string;
}

const TEXT_BYTES = 16 * 1024;
const ATTACHED_BYTES = 5 * 1024 ** 2;

export class MailComposer {
  constructor(private readonly with_: Collaborators) {}

  /** The mail that a delivery stands for. */
  async compose(delivery: Delivery): Promise<Mail> {
    const { executionId: id, batchId, messageId, createdAt, recipient } = delivery;
    const [execution, batch] = await this.with_.database.read(async (manager) => [
      await manager.findOneBy(Execution, { id }),
      await manager.findOneBy(Batch, { id: batchId }),
    ]);
    if (!execution) throw new AppError("not_found", `Execution ${id} is no longer there to tell of.`);
    const ran = delivery.occasion !== "started" && execution.attempt > 0;
    const limit = delivery.attachLog ? ATTACHED_BYTES : TEXT_BYTES;
    const log = ran ? ((await this.tail(execution, "log", limit)) ?? EMPTY) : null;
    const errorLog = ran && execution.errorLogBytes ? await this.tail(execution, "error_log", limit) : null;
    const attached = delivery.attachLog
      ? [
          { filename: `execution-${id}.log`, tail: log },
          { filename: `execution-${id}.error.log`, tail: errorLog },
        ].flatMap(({ filename, tail }) => (tail && tail.size > 0 ? [{ filename, ...tail }] : []))
      : [];
    const { subject, text } = mailAbout({
      delivery,
      execution,
      timeZone: batch?.config.timeZone ?? "UTC",
      address: `${this.with_.publicUrl()}/api/v1/executions/${id}${execution.attempt > 0 ? "/log" : ""}`,
      log: log && shortened(log),
      errorLog: delivery.occasion === "completed" ? null : errorLog && shortened(errorLog),
      notes: attached
        .filter(({ bytes, size }) => bytes.length < size)
        .map(({ filename, size }) => `The attached ${filename} is the last 5 MB of ${size} bytes.`),
    });
    const attachments = attached.map(({ filename, bytes }) => ({ filename, content: bytes }));
    return { messageId, date: new Date(createdAt), to: recipient, subject, text, attachments };
  }

  private tail({ id, attempt }: Execution, stream: LogStream, limit: number): Promise<Tail | null> {
    return this.with_.logs.tail({ executionId: id, attempt, stream }, limit);
  }
}

const EMPTY: Tail = { bytes: Buffer.alloc(0), size: 0 };

function shortened({ bytes, size }: Tail): Tail {
  return { bytes: bytes.subarray(-TEXT_BYTES), size };
}
