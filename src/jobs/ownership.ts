// Ownership of runs: which service process looks after a claimed execution, and whether that one still lives.
import { randomBytes } from "node:crypto";
import { identify, isAlive, readBootId, type ProcessIdentity } from "../handlers/process/process-identity.js";

/**
 * A service process as `executions.claimedBy` has it: `PID TICKS BOOT NONCE`. No two processes of a machine share the
 * first three; the nonce tells apart services that follow each other in one process.
 */
export type Owner = string;

/** Names this process anew; each service that starts takes a name of its own. */
export function newOwner(): Owner {
  const self = identify(process.pid);
  return `${process.pid} ${self?.startTicks ?? 0} ${readBootId()} ${randomBytes(4).toString("hex")}`;
}

/** What a claim says of its owner: `gone` may be taken over; `before_boot` ended with everything else at a reboot. */
export type OwnerState = "alive" | "gone" | "before_boot";

/** @param owner null: the owner let go of it */
export function ownerState(owner: Owner | null): OwnerState {
  const identity = owner === null ? null : parseOwner(owner);
  if (!identity) return "gone";
  if (identity.bootId !== readBootId()) return "before_boot";
  return isAlive(identity) ? "alive" : "gone";
}

function parseOwner(owner: Owner): ProcessIdentity | null {
  const match = /^(\d+) (\d+) (\S+) \S+$/.exec(owner);
  if (!match) return null;
  return { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3] ?? "" };
}
