// The URL table of triggers: what starts work, and what fires it from outside.
import { z } from "zod";
import type { TriggerController } from "../controllers/trigger-controller.js";
import { idText, pageOf } from "../models/shapes.js";
import {
  fireQuery,
  fireRequestSchema,
  firingSchema,
  triggerPatchSchema,
  triggerQuery,
  triggerRequestSchema,
  triggerSchema,
  triggerSecretSchema,
  triggerTokenSchema,
} from "../models/trigger.js";
import { route, type Route } from "./route.js";

const params = z.object({ id: idText });
const tag = "Triggers";
const shown = { 200: { description: "The trigger.", schema: triggerSchema } };
const editProblems = [404, 409, 412, 413, 415, 422];

export function triggerRoutes(triggers: TriggerController): Route[] {
  return [...tableRoutes(triggers), ...rowRoutes(triggers), fireRoute(triggers), ...keyRoutes(triggers)];
}

function tableRoutes(triggers: TriggerController): Route[] {
  return [
    route({
      method: "get",
      path: "/triggers",
      tag,
      summary: "List triggers, newest first; tests are left out unless asked for",
      query: triggerQuery,
      answers: { 200: { description: "A page of triggers.", schema: pageOf(triggerSchema) } },
      problems: [404],
      handle: triggers.list,
    }),
    route({
      method: "post",
      path: "/triggers",
      tag,
      summary: "Make a trigger, for a batch or for an event alone",
      body: triggerRequestSchema,
      repeatable: true,
      answers: { 201: { description: "The trigger.", schema: triggerSchema } },
      problems: [404, 409, 413, 415, 422],
      handle: triggers.create,
    }),
  ];
}

function rowRoutes(triggers: TriggerController): Route[] {
  return [
    route({
      method: "get",
      path: "/triggers/:id",
      tag,
      summary: "Read a trigger",
      params,
      answers: shown,
      problems: [404],
      handle: triggers.get,
    }),
    route({
      method: "patch",
      path: "/triggers/:id",
      tag,
      summary: "Change some of a trigger; the plan follows at once",
      params,
      body: triggerPatchSchema,
      answers: shown,
      problems: editProblems,
      handle: triggers.patch,
    }),
    route({
      method: "put",
      path: "/triggers/:id",
      tag,
      summary: "Replace all of a trigger; the plan follows at once",
      params,
      body: triggerRequestSchema,
      answers: shown,
      problems: editProblems,
      handle: triggers.put,
    }),
    route({
      method: "delete",
      path: "/triggers/:id",
      tag,
      summary: "Delete a trigger; what it has started goes on",
      params,
      answers: { 204: { description: "It is gone." } },
      problems: [404, 409, 412],
      handle: triggers.remove,
    }),
  ];
}

function fireRoute(triggers: TriggerController): Route {
  return route({
    method: "post",
    path: "/triggers/:id/fire",
    tag,
    summary: "Fire a trigger of kind api",
    description:
      "With a token of the API, with the trigger's own token, or with a signature: " +
      "`Batchline-Signature: t=<seconds since 1970>,v1=<hex>`, the HMAC-SHA256 of `<t>.<body>`; see docs/triggers.md.",
    signable: true,
    params,
    query: fireQuery,
    body: fireRequestSchema.optional(),
    repeatable: true,
    answers: {
      200: { description: "With `wait`: the execution has ended.", schema: firingSchema },
      202: { description: "It has fired.", schema: firingSchema },
    },
    problems: [404, 409, 413, 415, 422, 429],
    handle: triggers.fire,
  });
}

function keyRoutes(triggers: TriggerController): Route[] {
  const problems = [404, 409];
  return [
    route({
      method: "post",
      path: "/triggers/:id/token",
      tag,
      summary: "Give a trigger a token of its own, in place of the one before",
      params,
      answers: { 201: { description: "The token, shown this once.", schema: triggerTokenSchema } },
      problems,
      handle: triggers.makeToken,
    }),
    route({
      method: "delete",
      path: "/triggers/:id/token",
      tag,
      summary: "Revoke a trigger's own token",
      params,
      answers: { 204: { description: "It is worth nothing any more." } },
      problems,
      handle: triggers.revokeToken,
    }),
    route({
      method: "post",
      path: "/triggers/:id/secrets",
      tag,
      summary: "Give a trigger a secret to sign its firings with; two may live at once",
      params,
      answers: { 201: { description: "The secret, shown this once.", schema: triggerSecretSchema } },
      problems,
      handle: triggers.addSecret,
    }),
    route({
      method: "delete",
      path: "/triggers/:id/secrets/:secret",
      tag,
      summary: "Take a secret away",
      params: z.object({ id: idText, secret: idText }),
      answers: { 204: { description: "What is signed with it is refused from now on." } },
      problems,
      handle: triggers.removeSecret,
    }),
  ];
}
