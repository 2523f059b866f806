// The forms of uploads: what a program gives, as the multipart bodies and headers that the service takes.
import type { BatchConfigInput } from "../models/batch-config.js";

/** Anything that holds a zip. */
export type Archive = Blob | Uint8Array<ArrayBuffer>;

/** What every call takes that makes something. */
export interface MakeOptions {
  /** The same key and request give the same answer, and nothing is made twice: for 24 hours. */
  idempotencyKey?: string;
}

export interface EditOptions {
  /** The etag that was read; the edit is refused with 412 if there is another one by now. */
  ifMatch?: string;
}

export interface VersionOptions extends MakeOptions, EditOptions {
  /** The whole config, if that changes too. */
  config?: BatchConfigInput;
  /** False: the version in use stays in use. */
  activate?: boolean;
}

export function keyOf({ idempotencyKey }: MakeOptions): Record<string, string | undefined> {
  return { "Idempotency-Key": idempotencyKey };
}

export function uploadOf(archive: Archive, config: BatchConfigInput): FormData {
  return upload(config, "batch", [{ name: `${config.name}.zip`, archive }]);
}

export function chainOf(archives: Record<string, Archive>, configs: BatchConfigInput[]): FormData {
  const files = Object.entries(archives).map(([name, archive]) => ({ name, archive }));
  return upload(configs, "batches", files);
}

function upload(config: unknown, part: string, archives: { name: string; archive: Archive }[]): FormData {
  const form = new FormData();
  form.set("config", JSON.stringify(config));
  for (const { name, archive } of archives) {
    form.append(part, archive instanceof Blob ? archive : new Blob([archive]), name);
  }
  return form;
}
