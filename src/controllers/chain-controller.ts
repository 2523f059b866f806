// Chains over HTTP.
import type { UploadWish } from "../models/upload.js";
import type { ChainService } from "../services/chain-service.js";
import type { Registered } from "../services/registration.js";
import { showBatch, showLink } from "./batch-view.js";
import { API, concluding, made, uploadReply, type Ask, type Reply } from "./reply.js";

export class ChainController {
  constructor(private readonly with_: { chains: ChainService }) {}

  create = async (ask: Ask<unknown, UploadWish, { config: string }>): Promise<Reply> => {
    const { body, files, query, actor } = ask;
    const circumstances = { actor, wish: query, conclude: concluding(ask, created) };
    return uploadReply(await this.with_.chains.create(body.config, files["batches"] ?? [], circumstances), created);
  };
}

function created({ batches, links }: Registered): Reply {
  const view = { batches: batches.map(showBatch), links: links.map(showLink) };
  return made(201, `${API}/batches/${view.batches[0]?.id ?? ""}`, view);
}
