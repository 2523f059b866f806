// Triggers and links over HTTP: which version each starts.
import type { Link } from "../entities/link.js";
import type { Trigger } from "../entities/trigger.js";
import type { TriggerView } from "../models/pin.js";
import { describeSchedule } from "../models/schedule-words.js";
import { toInstant } from "../models/shapes.js";
import { pinEtag, type Pinning } from "../services/pinning.js";
import { showLink } from "./batch-view.js";
import type { Ask, Reply } from "./reply.js";

interface ById {
  id: number;
}

interface Pin {
  version: number | null;
}

export class PinController {
  constructor(private readonly with_: { pins: Pinning }) {}

  trigger = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    showTrigger(await this.with_.pins.getTrigger(params.id));

  pinTrigger = async ({ params, ...ask }: Ask<ById, unknown, Pin>): Promise<Reply> =>
    showTrigger(await this.with_.pins.pinTrigger(params.id, pinOf(ask)));

  link = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> =>
    shownLink(await this.with_.pins.getLink(params.id));

  pinLink = async ({ params, ...ask }: Ask<ById, unknown, Pin>): Promise<Reply> =>
    shownLink(await this.with_.pins.pinLink(params.id, pinOf(ask)));
}

function pinOf({ body, headers, actor }: Omit<Ask<unknown, unknown, Pin>, "params">) {
  return { version: body.version, ifMatch: headers["if-match"], actor };
}

function shownLink(link: Link): Reply {
  return { status: 200, headers: { ETag: pinEtag(link) }, json: showLink(link) };
}

function showTrigger(trigger: Trigger): Reply {
  const { id, kind, batchId, expression, onceAt, timeZone, dst, nextAt, version, createdAt } = trigger;
  const schedule =
    kind === "once"
      ? ({ kind, at: onceAt ?? 0 } as const)
      : ({ kind: "cron", expression: expression ?? "", timeZone, dst } as const);
  const view: TriggerView = {
    ...{ id, kind, batchId, cron: expression, at: toInstant(onceAt), timeZone, dst },
    words: describeSchedule(schedule),
    nextAt: toInstant(nextAt),
    version,
    createdAt: toInstant(createdAt),
    etag: pinEtag(trigger),
  };
  return { status: 200, headers: { ETag: view.etag }, json: view };
}
