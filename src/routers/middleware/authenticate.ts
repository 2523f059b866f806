// Who asks: told by the headers of a request or, where it is signed, by its body too.
import type { Request } from "express";
import type { Actor } from "../../models/actor.js";
import type { AccessService } from "../../services/access-service.js";
import type { TriggerAccess } from "../../services/trigger-access.js";
import type { Route } from "../route.js";

/** What lets in. */
export interface Doors {
  access: AccessService;
  triggerAccess: TriggerAccess;
}

const NOBODY: Actor = { kind: "user", name: "anonymous" };

/** Who asks; `mark`: what tells this very request from every other, if it was signed. */
export interface Caller {
  actor: Actor;
  mark?: string;
}

/** Who asks, by the headers alone; null: the body must be seen first, for it is signed. */
export async function callerOf(
  route: Route,
  request: Request,
  { access, triggerAccess }: Doors,
): Promise<Caller | null> {
  const { authorization } = request.headers;
  if (route.open) return { actor: NOBODY };
  if (!route.signable) return { actor: await access.authenticate(authorization) };
  if (authorization === undefined && signaturesOf(request).length > 0) return null;
  return { actor: await triggerAccess.byToken(triggerIdOf(request), authorization) };
}

/** Who has signed the body of a request for the trigger that its address names. */
export async function signerOf(
  request: Request,
  body: Buffer | null,
  triggerAccess: TriggerAccess,
): Promise<Required<Caller>> {
  return triggerAccess.bySignature(triggerIdOf(request), signaturesOf(request), body ?? Buffer.alloc(0));
}

/** The checks of the address come later: what is no id is the id of no trigger. */
function triggerIdOf({ params }: Request): number {
  return Number(params["id"]) || 0;
}

function signaturesOf({ headersDistinct }: Request): string[] {
  return headersDistinct["batchline-signature"] ?? [];
}
