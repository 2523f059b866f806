// The progress teller: makes an event of what scripts say of their progress, each second at most.
import type { Database } from "../database/database.js";
import { selectByIds } from "../database/plain.js";
import { Execution } from "../entities/execution.js";
import type { EventLog, NewEvent } from "../handlers/event-log.js";
import { runIdOf, type Workspaces } from "../handlers/workspace.js";
import type { Progress } from "../models/execution.js";
import type { Runner } from "./runner.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  workspaces: Workspaces;
  runner: Pick<Runner, "inHand">;
}

/** What was last seen of a run's progress file. */
interface Seen {
  changedAt: number | null;
  /** As text; "null": it says nothing. */
  said: string;
}

interface News {
  execution: Execution;
  progress: Progress;
}

export class ProgressTeller {
  private seen = new Map<string, Seen>();

  constructor(private readonly with_: Collaborators) {}

  /** To be called each second. */
  async look(): Promise<void> {
    const before = this.seen;
    const news = this.findNews();
    if (news.length === 0) return;
    await this.tell(news).catch((error: unknown) => {
      this.seen = before; // so that it is news again
      throw error;
    });
  }

  private findNews(): News[] {
    const before = this.seen;
    const news: News[] = [];
    // Made anew each time: what is no longer in hand is forgotten.
    this.seen = new Map();
    for (const execution of this.with_.runner.inHand()) {
      const runId = runIdOf(execution.id, execution.attempt);
      const known = before.get(runId) ?? { changedAt: null, said: "null" };
      const changedAt = this.with_.workspaces.progressChangedAt(runId);
      const progress = changedAt === known.changedAt ? null : this.with_.workspaces.progress(runId);
      const said = progress ? JSON.stringify(progress) : known.said;
      this.seen.set(runId, { changedAt, said });
      if (progress && said !== known.said) news.push({ execution, progress });
    }
    return news;
  }

  private async tell(news: News[]): Promise<void> {
    const { database, events } = this.with_;
    const ids = news.map(({ execution }) => execution.id);
    await database.write(async (transaction) => {
      // Locked: an end that is being recorded comes after what was said before it.
      const rows = await selectByIds(transaction.manager, Execution, ids, { lock: true });
      const running = new Set(
        rows.filter(({ status }) => status === "running" || status === "stopping").map((row) => key(row)),
      );
      const told = news.filter(({ execution }) => running.has(key(execution)));
      await events.append(transaction, ...told.map(eventOf));
    });
  }
}

function key({ id, attempt }: Execution): string {
  return runIdOf(id, attempt);
}

function eventOf({ execution: { id, batchId, batchName, attempt, test, source }, progress }: News): NewEvent {
  return {
    kind: "execution.progress",
    subject: { type: "execution", id, name: batchName },
    batchId,
    test,
    source,
    actor: { kind: "script", name: batchName },
    payload: { attempt, ...progress },
  };
}
