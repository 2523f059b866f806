// The names of batches: what one may look like, and when two are the same.
import { z } from "zod";

/** True if the text has no control, bidirectional-override or line-separator character, nor halves of characters. */
export function noControlCharacters(text: string): boolean {
  return !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]/u.test(text);
}

/** Windows takes these for devices, whatever follows a dot. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i;

/** A batch's name. It may appear as a file name in a script's input folder, hence no slashes, no dots alone and no device. */
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
      .refine((name) => !/^(\.+|\d+)$/.test(name), "must not be made of digits or dots alone: it would look like an id")
      .refine((name) => !name.endsWith(".") && !DEVICE.test(name), "must be a name that every system takes for a file"),
  );

/** The form in which names are compared: two names with the same form are the same name. */
export function foldName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}
