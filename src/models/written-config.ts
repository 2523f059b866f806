// A config as a person would write it: what a new batch would have anyway is left out.
import { batchConfigSchema, type BatchConfig, type BatchConfigInput } from "./batch-config.js";

/**
 * What yields this config when it is uploaded. An instant that has passed by `now` is left out, because nothing can be
 * planned for it any more.
 */
export function writtenConfig(config: BatchConfig, now: number): BatchConfigInput {
  const defaults: Record<string, unknown> = batchConfigSchema.parse({ name: config.name });
  const isUsual = (key: string, value: unknown) =>
    key !== "name" && JSON.stringify(value) === JSON.stringify(defaults[key]);
  const isOver = (key: string) => key === "at" && config.at !== undefined && Date.parse(config.at) <= now;
  const written = Object.entries(config).filter(([key, value]) => !isUsual(key, value) && !isOver(key));
  return Object.fromEntries(written) as BatchConfigInput;
}
