// Health over HTTP: is the process alive, and can it work?
import type { HealthService } from "../services/health-service.js";
import { ok, type Reply } from "./reply.js";

export class HealthController {
  constructor(private readonly with_: { health: HealthService }) {}

  live = (): Promise<Reply> => Promise.resolve(ok({ status: "live" }));

  ready = async (): Promise<Reply> => {
    const report = await this.with_.health.check();
    return { status: report.status === "ready" ? 200 : 503, json: report };
  };
}
