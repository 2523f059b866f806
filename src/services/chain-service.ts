// Chains, for whoever asks: several batches uploaded at once and tied together.
import type { ReceivedFile } from "../handlers/artifact-store/artifact-store.js";
import type { Clock } from "../handlers/clock.js";
import type { Registered, Registration } from "./registration.js";
import { readChain } from "./upload-config.js";
import type { Circumstances, UploadDesk, UploadOutcome } from "./upload-desk.js";

interface Collaborators {
  uploads: UploadDesk;
  registration: Registration;
  clock: Clock;
  /** The shortest time between two planned runs. */
  minIntervalMs: number;
}

export class ChainService {
  constructor(private readonly with_: Collaborators) {}

  /** Makes all batches of a chain and their links, or none: in the order of the configs, each with its archive. */
  async create(
    config: string,
    files: ReceivedFile[],
    circumstances: Circumstances<Registered>,
  ): Promise<UploadOutcome<Registered>> {
    const { clock, minIntervalMs, registration, uploads } = this.with_;
    const read = readChain(config, files, { now: clock.now(), minIntervalMs });
    const place = { pointerOf: (index: number) => `/${index}` };
    const { actor } = circumstances;
    // Where they cannot be paired, all are taken apart all the same: their faults are told in the same go.
    const archives = [...new Set([...read.archives.filter((file) => file !== undefined), ...files])];
    return uploads.handle(registration.order({ read, archives, place, actor }), circumstances);
  }
}
