// Problem documents: what every refusal looks like.
import { z } from "zod";
import { uploadReportSchema } from "./upload.js";

/** The error document of RFC 9457, sent as application/problem+json. */
export const problemSchema = z
  .object({
    type: z.string().meta({ description: "URI of the kind of problem." }),
    title: z.string().meta({ description: "The kind of problem in words." }),
    status: z.number().int().meta({ description: "The HTTP status." }),
    code: z.string().meta({ description: "Machine-readable code, listed in docs/errors.md." }),
    detail: z.string().meta({ description: "What is wrong, where, and how to mend it." }),
    instance: z.string().meta({ description: "The path that was asked." }),
    errors: z
      .array(
        z.object({
          pointer: z.string().meta({ description: "JSON pointer, parameter, part or archive entry." }),
          message: z.string().meta({ description: "What is wrong there." }),
        }),
      )
      .meta({ description: "Every single fault." }),
    report: uploadReportSchema.optional().meta({ description: "Of a refused upload or edit: everything found in it." }),
  })
  .meta({ id: "Problem", description: "RFC 9457 problem details." });

export type Problem = z.infer<typeof problemSchema>;
