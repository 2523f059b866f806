// Findings: everything that can be said of an upload before it is kept, each with its place and its mend.
import { z } from "zod";

export const findingSchema = z
  .object({
    level: z.enum(["error", "warning"]).meta({ description: "Errors refuse the upload; warnings only tell." }),
    code: z.string().meta({ description: "lower_snake_case, listed in docs/errors.md." }),
    archive: z
      .string()
      .nullable()
      .meta({ description: "The uploaded archive's file name; null if it is not about one." }),
    file: z.string().nullable().meta({ description: "The entry inside the archive." }),
    line: z.number().int().nullable().meta({ description: "The line inside the entry, from 1." }),
    pointer: z.string().nullable().meta({ description: "JSON pointer into the config, or the part of the request." }),
    message: z.string().meta({ description: "What is wrong, and where." }),
    fix: z.string().meta({ description: "How to mend it." }),
  })
  .meta({ id: "Finding", description: "One thing found in an upload." });

/** One thing found in an upload. */
export type Finding = z.infer<typeof findingSchema>;

/** Whether there is an error among them: then the upload cannot be taken. */
export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ level }) => level === "error");
}
