// What happens because time passes, put together: the queue and all that works on it, the scheduler, the mail, the rounds.
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "./config.js";
import { inheritedEnvironment } from "./config.js";
import type { Logger } from "./handlers/logger.js";
import { MailChannel } from "./handlers/mail-channel.js";
import { WorkerPool } from "./handlers/process/worker-pool.js";
import { Alerter } from "./jobs/alerter.js";
import { Dispatcher } from "./jobs/dispatcher.js";
import { EventSweep } from "./jobs/event-sweep.js";
import { EventFeed } from "./jobs/event-feed.js";
import { KeyPruner } from "./jobs/key-pruner.js";
import { MailComposer } from "./jobs/mail-composer.js";
import { Mailer } from "./jobs/mailer.js";
import { newOwner } from "./jobs/ownership.js";
import { Preparation } from "./jobs/preparation.js";
import { ProgressTeller } from "./jobs/progress-teller.js";
import { Queue } from "./jobs/queue.js";
import { Rescuer } from "./jobs/rescuer.js";
import { makeRounds } from "./jobs/rounds.js";
import { Runner } from "./jobs/runner.js";
import { Scheduler } from "./jobs/scheduler.js";
import { Stopper } from "./jobs/stopper.js";
import { StraySearch } from "./jobs/stray-search.js";
import type { Handlers, Releases } from "./app.js";

const LET_GO_PATIENCE_MS = 3000;

/** Everything that happens because time passes. The workers start now, while the process is small. */
export async function buildJobs(config: Config, handlers: Handlers, releases: Releases, publicUrl: () => string) {
  const { concurrency, maxLogBytes } = config;
  const { workspaces, logger } = handlers;
  const inherited = inheritedEnvironment();
  const { runsFolder } = workspaces;
  const pool = new WorkerPool({ runsFolder, size: concurrency, capBytes: maxLogBytes, baseEnv: inherited, logger });
  releases.push(() => pool.stop());
  await pool.start();
  const owner = newOwner();
  const { mailer, alerter } = buildMail(config, handlers, publicUrl);
  releases.push(() => briefly(mailer.close(), logger, "mail under way could not be put back; it is sent again later"));
  const queue = new Queue({ ...handlers, alerter, concurrency, owner });
  const unheld = "what runs could not be let go of; another service process finds it all the same";
  releases.push(() => briefly(queue.letGo(), logger, unheld));
  const stopper = new Stopper({ ...handlers, queue });
  const preparation = new Preparation({ ...handlers, inherited });
  const straySearch = new StraySearch({ ...handlers, queue, owner });
  const runner = new Runner({ ...handlers, queue, pool, stopper, straySearch, preparation });
  releases.push(() => runner.close());
  const dispatcher = new Dispatcher({ ...handlers, queue, runner, stopper, owner });
  releases.push(() => dispatcher.close());
  const scheduler = new Scheduler({ ...handlers, queue });
  releases.push(() => scheduler.close());
  const rescuer = new Rescuer({ ...handlers, queue, runner, stopper, owner });
  const feed = new EventFeed(handlers);
  releases.push(() => feed.close());
  const start = async () => {
    dispatcher.start();
    await rescuer.start();
    await scheduler.look();
    const keyPruner = new KeyPruner(handlers);
    const progressTeller = new ProgressTeller({ ...handlers, runner });
    const eventSweep = new EventSweep({ ...handlers, ...config.eventAges });
    const stations = {
      runs: () => rescuer.look(),
      queue: () => dispatcher.look(),
      plan: () => scheduler.look(),
      strays: () => straySearch.look(),
      keys: () => keyPruner.look(),
      progress: () => progressTeller.look(),
      events: () => eventSweep.look(),
      mail: () => mailer.look(),
    };
    const rounds = makeRounds(stations, logger);
    releases.push(() => rounds.close());
  };
  return { queue, scheduler, mailer, feed, start };
}

function buildMail({ adminEmail, mail, publicUrl: address }: Config, handlers: Handlers, publicUrl: () => string) {
  const composer = new MailComposer({ ...handlers, publicUrl });
  const mailer = new Mailer({ ...handlers, composer, channel: mail && new MailChannel(mail) });
  const mailHost = address === null ? "batchline" : new URL(address).hostname;
  return { mailer, alerter: new Alerter({ ...handlers, mailer, administrator: adminEmail, mailHost }) };
}

/** A stop must not wait for a database that is out of reach: our end tells as much as our word. */
async function briefly(act: Promise<void>, logger: Logger, complaint: string): Promise<void> {
  const patience = delay(LET_GO_PATIENCE_MS, undefined, { ref: false });
  await Promise.race([act, patience]).catch((error: unknown) => logger.warn({ err: error }, complaint));
}
