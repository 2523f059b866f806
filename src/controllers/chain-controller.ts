// Chains over HTTP.
import type { ChainService } from "../services/chain-service.js";
import { showBatch, showLink } from "./batch-view.js";
import { API, made, type Ask, type Reply } from "./reply.js";

export class ChainController {
  constructor(private readonly with_: { chains: ChainService }) {}

  create = async ({ body, files, actor }: Ask<unknown, unknown, { config: string }>): Promise<Reply> => {
    const { batches, links } = await this.with_.chains.create(body.config, files["batches"] ?? [], actor);
    const view = { batches: batches.map(showBatch), links: links.map(showLink) };
    return made(201, `${API}/batches/${view.batches[0]?.id ?? ""}`, view);
  };
}
