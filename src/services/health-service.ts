// Health: whether everything that a run needs can be used.
import { access, constants } from "node:fs/promises";
import type { Database } from "../database/database.js";

interface Collaborators {
  database: Database;
  /** By the name of the setting that names it. */
  folders: Record<string, string>;
}

export interface HealthReport {
  status: "ready" | "unavailable";
  checks: Record<string, "ok" | "failed">;
}

/** A check that takes longer has failed. */
const PATIENCE_MS = 3000;

export class HealthService {
  constructor(private readonly with_: Collaborators) {}

  /** Asks the database and looks at each folder. */
  async check(): Promise<HealthReport> {
    const checks: HealthReport["checks"] = {
      database: await passes(this.with_.database.read((manager) => manager.query("SELECT 1"))),
    };
    for (const [name, folder] of Object.entries(this.with_.folders)) {
      checks[name] = await passes(access(folder, constants.R_OK | constants.W_OK));
    }
    return { status: Object.values(checks).includes("failed") ? "unavailable" : "ready", checks };
  }
}

async function passes(check: Promise<unknown>): Promise<"ok" | "failed"> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too slow")), PATIENCE_MS);
  });
  return Promise.race([check, patience])
    .then(() => "ok" as const)
    .catch(() => "failed" as const)
    .finally(() => clearTimeout(timer));
}
