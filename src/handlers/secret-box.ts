// The secret box: seals secrets that the service must be able to read again, so that a copy of the database tells nothing.
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { AppError } from "../errors.js";
import { makeWholeFile } from "./whole-file.js";

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const CIPHER = "aes-256-gcm";

export class SecretBox {
  private constructor(private readonly key: Buffer) {}

  /**
   * @param given 32 bytes as base64; null: those in the data folder, which are made if there are none. Several processes
   * may come at once: one makes them, all read the same.
   */
  static open(dataFolder: string, given: string | null): SecretBox {
    return new SecretBox(Buffer.from(given ?? keyIn(dataFolder), "base64"));
  }

  /** @param place what the secret belongs to; sealed for one place it opens at no other */
  seal(secret: string, place: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.key, iv).setAAD(Buffer.from(place));
    const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64");
  }

  /** @throws AppError `unavailable` if it was sealed with another key, or for another place */
  unseal(sealed: string, place: string): string {
    const bytes = Buffer.from(sealed, "base64");
    const tag = bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES);
    try {
      const decipher = createDecipheriv(CIPHER, this.key, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(place));
      const text = decipher.setAuthTag(tag).update(bytes.subarray(IV_BYTES + TAG_BYTES));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    } catch (cause) {
      const message =
        "A secret cannot be read: the service has another key now than when it was kept. Give back the old key (SECRET_KEY, or secret.key in DATA_DIR), or make the secret anew.";
      throw new AppError("unavailable", message, { reason: "secret_unreadable", cause });
    }
  }
}

/** The key in the data folder. */
function keyIn(dataFolder: string): string {
  const file = path.join(dataFolder, "secret.key");
  if (!existsSync(file)) makeWholeFile(file, randomBytes(KEY_BYTES).toString("base64"), 0o600);
  const key = readFileSync(file, "utf8").trim();
  if (Buffer.from(key, "base64").length === KEY_BYTES) return key;
  throw new AppError("unavailable", "The file secret.key in DATA_DIR is damaged: it must hold 32 bytes as base64.");
}
