// The names of batches: what one may look like, and when two are the same.
import { z } from "zod";

/** True if the text has no control, bidirectional-override or line-separator character. */
export function noControlCharacters(text: string): boolean {
  return !/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]/u.test(text);
}

/** A batch's name. It may appear as a file name in a script's input folder, hence no slashes and no dots alone. */
export const batchNameSchema = z
  .string()
  .transform((name) => name.normalize("NFC"))
  .pipe(
    z
      .string()
      .min(1, "must not be empty")
      .refine((name) => Array.from(name).length <= 128, "must have at most 128 characters")
      .refine((name) => name.trim() === name, "must not begin or end with white space")
      .refine((name) => noControlCharacters(name) && !/[/\\]/.test(name), "must not hold slashes or control characters")
      .refine(
        (name) => !/^(\.+|\d+)$/.test(name),
        "must not be made of digits or dots alone: it would look like an id",
      ),
  );

/** The form in which names are compared: two names with the same form are the same name. */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
