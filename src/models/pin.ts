// Pins as people and programs see them: the version that a link starts.
import { z } from "zod";

export const pinRequestSchema = z
  .strictObject({
    version: z
      .number("must be the number of a version, or null")
      .int()
      .positive()
      .max(999_999_999)
      .nullable()
      .meta({ description: "The version to start from now on; null: whichever is active." }),
  })
  .meta({ id: "PinRequest" });
