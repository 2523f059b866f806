// Who acts: a person, a program with a token, a script, or the service itself.
import { z } from "zod";

export const actorSchema = z
  .object({
    kind: z.enum(["user", "token", "script", "system"]).meta({ description: "What acts." }),
    name: z.string().meta({ description: "Its name as people know it." }),
  })
  .meta({ id: "Actor", description: "Who did it." });

export type Actor = z.infer<typeof actorSchema>;

/** The service itself, acting because time passed. */
export const SYSTEM: Actor = { kind: "system", name: "batchline" };
