// The mailer: sends what the alerter wrote down, again and again until the mail server has taken it or a day is over.
import type { Database } from "../database/database.js";
import { dueDeliveries, overdueDeliveries } from "../database/delivery-queries.js";
import { updateRows } from "../database/plain.js";
import type { Transaction } from "../database/transaction.js";
import { Delivery } from "../entities/delivery.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import type { Logger } from "../handlers/logger.js";
import { SENDING_MS, type MailChannel } from "../handlers/mail-channel.js";
import { SYSTEM } from "../models/actor.js";
import { DELIVERY_PERIOD_MS } from "../models/delivery.js";
import type { MailComposer } from "./mail-composer.js";
import { Turnstile } from "./turnstile.js";

interface Collaborators {
  database: Database;
  composer: MailComposer;
  /** Null: no mail server is configured. */
  channel: MailChannel | null;
  events: EventLog;
  clock: Clock;
  logger: Logger;
}

export const NO_MAIL_SERVER =
  "No mail server is configured: set SMTP_URL and MAIL_FROM, and start the service again within a day.";
const NOT_IN_TIME = "It could not be sent within a day: the service was not there, or had too much to send.";

/** So many messages are being sent at once at most. */
const AT_ONCE = 2;
/** A message is nobody else's for so long; if its process is killed meanwhile, it is tried again after that. */
const LEASE_MS = SENDING_MS + 60_000;
const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;

export class Mailer {
  private readonly closing = new AbortController();
  private readonly inHand = new Map<number, Promise<void>>();
  private readonly takingUp = new Turnstile(() => this.takeUp());

  constructor(private readonly with_: Collaborators) {}

  get hasServer(): boolean {
    return this.with_.channel !== null;
  }

  /** Something is due. */
  wake(): void {
    this.look().catch((error: unknown) => {
      this.with_.logger.error({ err: error }, "what mail is due could not be looked up; it is tried again");
    });
  }

  /** Begins to send what is due, and gives up what is overdue; waits for no mail server. */
  look(): Promise<void> {
    return this.takingUp.pass();
  }

  /** Breaks off what is being sent; the next service, or another one, sends it at once. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.takingUp.close();
    await Promise.all(this.inHand.values());
  }

  private async takeUp(): Promise<void> {
    await this.giveUp();
    if (this.inHand.size >= AT_ONCE) return;
    for (const delivery of await this.claim(AT_ONCE - this.inHand.size)) {
      const sending = this.deliver(delivery).finally(() => {
        this.inHand.delete(delivery.id);
        this.wake();
      });
      this.inHand.set(delivery.id, sending);
    }
  }

  /** Takes up to `count` due deliveries, so that no other process has them too. */
  private async claim(count: number): Promise<Delivery[]> {
    const { channel, clock, database } = this.with_;
    if (channel === null) return [];
    const now = clock.now();
    const due = await database.read((manager) => dueDeliveries(manager, now, count + this.inHand.size));
    const free = due.filter(({ id }) => !this.inHand.has(id)).slice(0, count);
    if (free.length === 0) return [];
    return database.write(async ({ manager }) => {
      const claimed: Delivery[] = [];
      for (const row of free) {
        const claim = { nextAttemptAt: now + LEASE_MS };
        const asSeen = "id = ? AND status = 'pending' AND nextAttemptAt = ?";
        if ((await updateRows(manager, Delivery, claim, asSeen, [row.id, row.nextAttemptAt])) === 1)
          claimed.push(Object.assign(row, claim));
      }
      return claimed;
    });
  }

  private deliver(delivery: Delivery): Promise<void> {
    const { channel, composer, logger } = this.with_;
    return composer
      .compose(delivery)
      .then((mail) => channel?.send(mail, this.closing.signal))
      .then(
        () => this.sent(delivery),
        (error: unknown) => this.failed(delivery, error),
      )
      .catch((error: unknown) => {
        logger.error({ err: error, delivery: delivery.id }, "what became of a mail was not recorded; it is sent again");
      });
  }

  private async sent(delivery: Delivery): Promise<void> {
    const { clock, database } = this.with_;
    await database.write(async (transaction) => {
      const end = { status: "sent" as const, nextAttemptAt: null, lastError: null, finishedAt: clock.now() };
      const change = { ...end, attempts: delivery.attempts + 1 };
      const condition = "id = ? AND status <> 'sent'";
      if ((await updateRows(transaction.manager, Delivery, change, condition, [delivery.id])) === 1)
        await this.tell(transaction, "delivery.sent", delivery);
    });
  }

  /** The pauses grow with the time that it has been tried for: 1, 2, 4, 8 ... minutes, up to an hour. */
  private async failed(delivery: Delivery, error: unknown): Promise<void> {
    const { clock, logger } = this.with_;
    const now = clock.now();
    // Broken off by ourselves: whoever comes next may send it at once.
    if (this.closing.signal.aborted) return this.postpone(delivery, { nextAttemptAt: now });
    logger.warn({ err: error, delivery: delivery.id }, "a mail was not sent; it is tried again");
    const { attempts, giveUpAt } = delivery;
    const pause = now - (giveUpAt - DELIVERY_PERIOD_MS) + FIRST_PAUSE_MS;
    await this.postpone(delivery, {
      attempts: attempts + 1,
      nextAttemptAt: Math.min(now + Math.min(pause, LONGEST_PAUSE_MS), giveUpAt),
      lastError: error instanceof AppError ? error.message : "It could not be put together; the server log says why.",
    });
  }

  /** Unless somebody has asked for another attempt meanwhile. */
  private async postpone({ id, nextAttemptAt }: Delivery, change: Partial<Delivery>): Promise<void> {
    const condition = "id = ? AND status = 'pending' AND nextAttemptAt = ?";
    await this.with_.database.write(({ manager }) =>
      updateRows(manager, Delivery, change, condition, [id, nextAttemptAt]),
    );
  }

  private async giveUp(): Promise<void> {
    const { clock, database, logger } = this.with_;
    const now = clock.now();
    const overdue = await database.read((manager) => overdueDeliveries(manager, now));
    if (overdue.length === 0) return;
    await database.write(async (transaction) => {
      for (const row of overdue) {
        const end = { status: "undelivered" as const, nextAttemptAt: null, finishedAt: now };
        const change = { ...end, lastError: row.lastError ?? NOT_IN_TIME };
        const condition = "id = ? AND status = 'pending' AND giveUpAt <= ?";
        if ((await updateRows(transaction.manager, Delivery, change, condition, [row.id, now])) === 1)
          await this.tell(transaction, "delivery.failed", row);
      }
    });
    logger.error({ deliveries: overdue.length }, "mail was given up: it could not be sent within a day");
  }

  private tell(transaction: Transaction, kind: "delivery.sent" | "delivery.failed", row: Delivery): Promise<unknown> {
    return this.with_.events.append(transaction, { kind, source: "system", actor: SYSTEM, ...aboutDelivery(row) });
  }
}

/** The part of an event that says which delivery it is about. */
export function aboutDelivery({ id, executionId, batchId, batchName, occasion, recipient }: Delivery) {
  return {
    subject: { type: "execution" as const, id: executionId, name: batchName },
    batchId,
    payload: { delivery: id, occasion, recipient },
  };
}
