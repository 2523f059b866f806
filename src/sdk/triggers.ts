// The part of the client that makes, fires and keeps triggers.
import type { FiringView, TriggerDocument, TriggerRequest, TriggerView } from "../models/trigger.js";
import type { Page } from "../models/shapes.js";
import type { Connection } from "./connection.js";
import { keyOf, type EditOptions, type MakeOptions } from "./forms.js";

export interface TriggerListQuery {
  kind?: TriggerView["kind"];
  /** Id or name. */
  batch?: string | number;
  enabled?: boolean;
  /** Tests are left out (0), the only ones (1), or among the others. */
  test?: "0" | "1" | "all";
  /** Part of the name. */
  search?: string;
  limit?: number;
  cursor?: string;
}

export interface FireOptions extends MakeOptions {
  /** Wait so long for the execution's end, such as `30s`. */
  wait?: string;
}

/** The keys of a trigger that change; null takes one away. */
export type TriggerPatch = { [Key in keyof TriggerDocument]?: TriggerRequest[Key] | null };

/** What can be done with triggers, over this connection. */
export function triggerCalls(connection: Connection) {
  return {
    create: (trigger: TriggerRequest, options: MakeOptions = {}): Promise<TriggerView> =>
      connection.send("POST", "/triggers", trigger, { headers: keyOf(options) }),

    list: (query: TriggerListQuery = {}): Promise<Page<TriggerView>> =>
      connection.send("GET", "/triggers", undefined, { query: { ...query } }),

    get: (id: number): Promise<TriggerView> => connection.send("GET", `/triggers/${id}`),

    /** Changes some of it. */
    edit: (id: number, patch: TriggerPatch, { ifMatch }: EditOptions = {}): Promise<TriggerView> =>
      connection.send("PATCH", `/triggers/${id}`, patch, { headers: { "If-Match": ifMatch } }),

    /** Replaces all of it. */
    replace: (id: number, trigger: TriggerRequest, { ifMatch }: EditOptions = {}): Promise<TriggerView> =>
      connection.send("PUT", `/triggers/${id}`, trigger, { headers: { "If-Match": ifMatch } }),

    /** Has it start this version from now on; null: whichever is active. */
    pin: (id: number, version: number | null): Promise<TriggerView> =>
      connection.send("PATCH", `/triggers/${id}`, { version }),

    remove: (id: number, { ifMatch }: EditOptions = {}): Promise<void> =>
      connection.send("DELETE", `/triggers/${id}`, undefined, { headers: { "If-Match": ifMatch } }),

    /** Fires a trigger of kind api. */
    fire: (id: number, payload?: unknown, { wait, ...options }: FireOptions = {}): Promise<FiringView> => {
      const body = payload === undefined ? {} : { payload };
      return connection.send("POST", `/triggers/${id}/fire`, body, { query: { wait }, headers: keyOf(options) });
    },

    /** Gives it a token of its own, shown this once. */
    makeToken: (id: number): Promise<{ token: string; prefix: string }> =>
      connection.send("POST", `/triggers/${id}/token`),

    revokeToken: (id: number): Promise<void> => connection.send("DELETE", `/triggers/${id}/token`),

    /** Gives it a secret to sign firings with, shown this once. */
    addSecret: (id: number): Promise<{ id: number; secret: string }> =>
      connection.send("POST", `/triggers/${id}/secrets`),

    removeSecret: (id: number, secret: number): Promise<void> =>
      connection.send("DELETE", `/triggers/${id}/secrets/${secret}`),
  };
}
