// Chains, for whoever asks: several batches uploaded at once and tied together.
import { In } from "typeorm";
import type { Database } from "../database/database.js";
import { Link } from "../entities/link.js";
import type { Clock } from "../handlers/clock.js";
import type { Actor } from "../models/actor.js";
import type { BatchDetails } from "./batch-details.js";
import type { BatchService } from "./batch-service.js";
import type { ReceivedFile, Registration } from "./registration.js";
import { readChain } from "./upload-config.js";

interface Collaborators {
  database: Database;
  registration: Registration;
  batches: BatchService;
  clock: Clock;
}

export interface ChainDetails {
  batches: BatchDetails[];
  links: Link[];
}

export class ChainService {
  constructor(private readonly with_: Collaborators) {}

  /** Makes all batches of a chain and their links, or none: in the order of the configs, each with its archive. */
  async create(config: string, files: ReceivedFile[], actor: Actor): Promise<ChainDetails> {
    const uploads = readChain(config, files, this.with_.clock.now());
    const place = { pointerOf: (index: number) => `/${index}` };
    const { batchIds, linkIds } = await this.with_.registration.register(uploads, actor, place);
    const links = await this.with_.database.read((manager) =>
      manager.find(Link, { where: { id: In(linkIds) }, order: { id: "ASC" } }),
    );
    return { batches: await this.with_.batches.getAll(batchIds), links };
  }
}
