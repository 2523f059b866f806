// Access: who is asking? For now one administrator, known by a bearer token.
import type { Database } from "../database/database.js";
import { ApiToken } from "../entities/api-token.js";
import { AppError } from "../errors.js";
import type { Clock } from "../handlers/clock.js";
import type { EventLog } from "../handlers/event-log.js";
import { hashToken, makeToken, sameHash, tokenId } from "../handlers/tokens.js";
import { SYSTEM, type Actor } from "../models/actor.js";

interface Collaborators {
  database: Database;
  events: EventLog;
  clock: Clock;
  /** The token from the configuration, if there is one. */
  adminToken: string | null;
}

const ADMINISTRATOR = "administrator";

export class AccessService {
  private readonly configuredHash: string | null;

  constructor(private readonly with_: Collaborators) {
    this.configuredHash = with_.adminToken === null ? null : hashToken(with_.adminToken);
  }

  /** Sees to it that an administrator can get in. Returns the token made now, which nobody can read again; else null. */
  async ensureAdministrator(): Promise<string | null> {
    if (this.configuredHash !== null) return null;
    return this.with_.database.write(async (transaction) => {
      const { manager } = transaction;
      if (await manager.existsBy(ApiToken, { name: ADMINISTRATOR })) return null;
      const row = { name: ADMINISTRATOR, hash: "", createdAt: this.with_.clock.now() };
      const { identifiers } = await manager.insert(ApiToken, row);
      const id = Number(identifiers[0]?.["id"]);
      const token = makeToken("bl", id);
      await manager.update(ApiToken, { id }, { hash: hashToken(token) });
      const subject = { type: "token" as const, id, name: ADMINISTRATOR };
      await this.with_.events.append(transaction, { kind: "token.made", subject, source: "system", actor: SYSTEM });
      return token;
    });
  }

  /** Who shows this `Authorization` header. @throws AppError `unauthenticated` */
  async authenticate(header: string | undefined): Promise<Actor> {
    const token = /^Bearer ([\w.~+/=-]{1,512})$/i.exec(header ?? "")?.[1];
    if (token === undefined) {
      throw new AppError("unauthenticated", "Send your token in the header `Authorization: Bearer <token>`.");
    }
    const hash = hashToken(token);
    if (this.configuredHash !== null && sameHash(hash, this.configuredHash))
      return { kind: "token", name: ADMINISTRATOR };
    const id = tokenId("bl", token);
    const row = id === null ? null : await this.with_.database.read((manager) => manager.findOneBy(ApiToken, { id }));
    if (!row || !sameHash(hash, row.hash)) throw new AppError("unauthenticated", "This token is not known here.");
    return { kind: "token", name: row.name };
  }
}
