// Pins as people and programs see them: the version that a link, or a trigger, starts.
import { z } from "zod";

/** The number of a version, or null: whichever is active. */
export const pinnedVersion = z
  .number("must be the number of a version, or null")
  .int()
  .positive()
  .max(999_999_999)
  .nullable();

export const pinRequestSchema = z
  .strictObject({
    version: pinnedVersion.meta({
      description: "The version to start from now on; null: whichever is active.",
    }),
  })
  .meta({ id: "PinRequest" });
