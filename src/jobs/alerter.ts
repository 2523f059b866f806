// The alerter: writes down whom to tell of what has become of executions, in the very transaction that made it so.
import { randomBytes } from "node:crypto";
import { insertRows } from "../database/plain.js";
import { alertsOf } from "../database/queue-queries.js";
import type { Transaction } from "../database/transaction.js";
import { Delivery } from "../entities/delivery.js";
import type { Execution } from "../entities/execution.js";
import type { Clock } from "../handlers/clock.js";
import { isTold, occasionOf, type AlertOccasion, type Alerts } from "../models/alert.js";
import { DELIVERY_PERIOD_MS } from "../models/delivery.js";
import { NO_MAIL_SERVER, type Mailer } from "./mailer.js";

interface Collaborators {
  clock: Clock;
  mailer: Mailer;
  /** Who is told if a batch's config names nobody; null: nobody. */
  administrator: string | null;
  /** The right side of every Message-ID. */
  mailHost: string;
}

interface News {
  execution: Execution;
  occasion: AlertOccasion;
}

/** The column that holds a Message-ID is wide enough for a host of this length. */
const MAX_HOST = 200;

export class Alerter {
  /** What happens in transactions that are not committed yet. */
  private readonly news = new WeakMap<Transaction, News[]>();

  constructor(private readonly with_: Collaborators) {}

  /** Has the people told who want to know that these rows have come to their present status. */
  note(transaction: Transaction, rows: Execution[]): void {
    const fresh = rows.flatMap((execution) => {
      const occasion = occasionOf(execution);
      return occasion === null ? [] : [{ execution, occasion }];
    });
    if (fresh.length === 0) return;
    const known = this.news.get(transaction);
    if (known) {
      known.push(...fresh);
      return;
    }
    this.news.set(transaction, fresh);
    // At the end, so that one question answers for everything that happens in the transaction.
    transaction.beforeCommit(() => this.write(transaction, fresh));
  }

  private async write(transaction: Transaction, news: News[]): Promise<void> {
    const alerts = await alertsOf(
      transaction.manager,
      news.map(({ execution }) => execution.batchId),
    );
    const deliveries = news.flatMap((one) => this.deliveriesOf(one, alerts.get(one.execution.batchId)));
    if (deliveries.length === 0) return;
    await insertRows(transaction.manager, Delivery, deliveries);
    transaction.afterCommit(() => this.with_.mailer.wake());
  }

  private deliveriesOf({ execution, occasion }: News, alerts: Alerts | undefined): Delivery[] {
    const { administrator, clock, mailHost, mailer } = this.with_;
    if (!isTold(alerts?.on, occasion, execution)) return [];
    const now = clock.now();
    const host = mailHost.slice(0, MAX_HOST);
    return (alerts?.emails ?? (administrator === null ? [] : [administrator])).map((recipient) =>
      Object.assign(new Delivery(), {
        channel: "mail" as const,
        occasion,
        executionId: execution.id,
        batchId: execution.batchId,
        batchName: execution.batchName,
        recipient,
        messageId: `<${execution.id}.${occasion}.${randomBytes(8).toString("hex")}@${host}>`,
        attachLog: alerts?.attachLog ?? false,
        status: "pending" as const,
        attempts: 0,
        nextAttemptAt: now,
        giveUpAt: now + DELIVERY_PERIOD_MS,
        lastError: mailer.hasServer ? null : NO_MAIL_SERVER,
        createdAt: now,
        finishedAt: null,
      }),
    );
  }
}
