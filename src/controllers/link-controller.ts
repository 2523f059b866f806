// Links over HTTP: which version each starts.
import type { Link } from "../entities/link.js";
import { linkEtag, type LinkPinning } from "../services/link-pinning.js";
import { showLink } from "./batch-view.js";
import type { Ask, Reply } from "./reply.js";

interface ById {
  id: number;
}

export class LinkController {
  constructor(private readonly with_: { pins: LinkPinning }) {}

  get = async ({ params }: Ask<ById, unknown, unknown>): Promise<Reply> => shown(await this.with_.pins.get(params.id));

  pin = async ({ params, body, headers, actor }: Ask<ById, unknown, { version: number | null }>): Promise<Reply> =>
    shown(await this.with_.pins.pin(params.id, { version: body.version, ifMatch: headers["if-match"], actor }));
}

function shown(link: Link): Reply {
  return { status: 200, headers: { ETag: linkEtag(link) }, json: showLink(link) };
}
