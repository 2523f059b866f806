// Who fires a trigger: somebody with a token of the API, a program with the trigger's own token, or one that signs.
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Database } from "../database/database.js";
import { Trigger } from "../entities/trigger.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { SecretBox } from "../handlers/secret-box.js";
import { hashToken, sameHash, tokenId } from "../handlers/tokens.js";
import type { Actor } from "../models/actor.js";
import { parseSignature } from "../models/signature.js";
import type { AccessService } from "./access-service.js";
import { secretPlace } from "./trigger-keys.js";

interface Collaborators {
  access: AccessService;
  database: Database;
  secretBox: SecretBox;
  clock: Clock;
}

/** How far the sender's clock may be from ours. */
const WINDOW_MS = 300_000;

export class TriggerAccess {
  constructor(private readonly with_: Collaborators) {}

  /** Who shows this `Authorization` header. @throws AppError `unauthenticated` */
  async byToken(id: number, header: string | undefined): Promise<Actor> {
    const token = /^Bearer (bt_\S{1,512})$/i.exec(header ?? "")?.[1];
    if (token === undefined) return this.with_.access.authenticate(header);
    const trigger = tokenId("bt", token) === id ? await this.trigger(id) : null;
    if (!trigger?.tokenHash || !sameHash(hashToken(token), trigger.tokenHash)) {
      throw new AppError("unauthenticated", "This token does not fire this trigger.");
    }
    return { kind: "token", name: `trigger ${id}` };
  }

  /**
   * Who has signed this body, and the mark of this very signature: whoever sends it again shows the same.
   *
   * @param header the values of the header Batchline-Signature, one by one
   * @throws AppError `unauthenticated`; it is told alike whether there is no such trigger, or the signature is wrong
   */
  async bySignature(id: number, header: string[], body: Buffer): Promise<{ actor: Actor; mark: string }> {
    const signature = header.length === 1 ? parseSignature(header[0] ?? "") : null;
    if (!signature) {
      const message =
        "Send one header `Batchline-Signature: t=<seconds since 1970>,v1=<HMAC-SHA256 of t, a full stop and the body, in hexadecimal>`.";
      throw new AppError("unauthenticated", message, { reason: "bad_signature" });
    }
    if (Math.abs(this.with_.clock.now() - signature.at * 1000) > WINDOW_MS) {
      const message =
        "The signature is older or younger than 5 minutes: sign each firing anew, and set the clock right.";
      throw new AppError("unauthenticated", message, { reason: "signature_expired" });
    }
    const trigger = await this.trigger(id);
    const signed = Buffer.concat([Buffer.from(`${signature.at}.`), body]);
    for (const secret of trigger?.secrets ?? []) {
      const key = this.with_.secretBox.unseal(secret.sealed, secretPlace(id, secret.id));
      const expected = createHmac("sha256", key).update(signed).digest();
      const fits = signature.hashes.some((hash) => timingSafeEqual(Buffer.from(hash, "hex"), expected));
      const actor = { kind: "token", name: `trigger ${id}, secret ${secret.id}` } as const;
      if (fits) return { actor, mark: `${signature.at}.${expected.toString("hex")}` };
    }
    throw new AppError("unauthenticated", "The signature does not fit this trigger and this body.", {
      reason: "bad_signature",
    });
  }

  private trigger(id: number): Promise<Trigger | null> {
    return this.with_.database.read((manager) => manager.findOneBy(Trigger, { id, kind: "api" }));
  }
}
