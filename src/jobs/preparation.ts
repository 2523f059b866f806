// Preparation: everything that must lie ready before a script can be started.
import type { RunMaterial } from "../database/run-queries.js";
import type { Execution } from "../entities/execution.js";
import { AppError } from "../errors.js";
import type { ArtifactStore } from "../handlers/artifact-store/artifact-store.js";
import type { LogStore } from "../handlers/log-store.js";
import { writeRequest, type RunRequest } from "../handlers/process/run-folder.js";
import { inputNameOf, type Workspaces } from "../handlers/workspace.js";
import { environmentOf, previousOutputs } from "./run-environment.js";

interface Collaborators {
  artifacts: ArtifactStore;
  logs: LogStore;
  workspaces: Workspaces;
  /** The part of the service's environment that every script inherits. */
  inherited: Record<string, string>;
}

export class Preparation {
  constructor(private readonly with_: Collaborators) {}

  /** Lays out the run folder with the request in it: all but the start itself. */
  async prepare(execution: Execution, runId: string, material: RunMaterial): Promise<void> {
    const { artifacts, logs, workspaces } = this.with_;
    await logs.ensureFolder(execution.id);
    const inputs = await this.inputFiles(execution);
    const filesFolder = artifacts.filesFolder(material.storageKey);
    const stateFolder = await workspaces.stateFolder(execution.batchId);
    const request = this.request(execution, runId, material, stateFolder);
    const workspace = { filesFolder, payload: execution.payload, inputs };
    try {
      await workspaces.create(runId, workspace, (draft) => writeRequest(draft, request));
    } catch (error) {
      throw (await artifacts.has(material.storageKey)) ? error : filesMissing(execution.version, error);
    }
  }

  private request(execution: Execution, runId: string, material: RunMaterial, stateFolder: string): RunRequest {
    const { inherited, logs, workspaces } = this.with_;
    const { id: executionId, attempt } = execution;
    const paths = workspaces.pathsOf(runId);
    return {
      workFolder: paths.work,
      outFile: logs.pathFor({ executionId, attempt, stream: "log" }),
      errFile: logs.pathFor({ executionId, attempt, stream: "error_log" }),
      limits: "",
      env: environmentOf(execution, material.config, { paths, stateFolder, inherited, results: material.results }),
      command: ["bash", "script.sh", ...execution.args, ...previousOutputs(execution, paths)],
    };
  }

  /** The logs of the predecessors whose output it receives. One that printed nothing, or never ran, gives an empty file. */
  private async inputFiles(execution: Execution): Promise<{ name: string; file: string | null }[]> {
    const { logs } = this.with_;
    return Promise.all(
      execution.inputs.map(async (input) => {
        const { executionId, attempt } = input;
        if (attempt === 0) return { name: inputNameOf(input), file: null };
        const ref = { executionId, attempt, stream: "log" } as const;
        await logs.ensureFile(ref);
        return { name: inputNameOf(input), file: logs.pathFor(ref) };
      }),
    );
  }
}

function filesMissing(version: number, cause: unknown): AppError {
  const message = `The files of version ${version} are gone from the disk. Upload its archive again, or run another version.`;
  return new AppError("not_found", message, { reason: "version_missing", cause });
}
