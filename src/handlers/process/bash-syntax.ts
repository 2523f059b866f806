// Asks bash whether it understands a script, without running any of it.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What bash says of a script. */
export type BashVerdict =
  | { kind: "understood" }
  /** It reads the script, but doubts whether that is what was meant; or it stops reading. */
  | { kind: "doubt" | "fault"; line: number; complaint: string }
  /** It did not come to an end, or there is no bash. */
  | { kind: "unknown" };

const LIMITED_BASH = fileURLToPath(new URL("./bash-syntax.sh", import.meta.url));

/** Nothing of the service's environment: not BASH_ENV, which bash would run, nor a language for its complaints. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** By the clock; it has less of the processor, see bash-syntax.sh. */
const PATIENCE_MS = 15_000;

/** Some complaints repeat the line that they are about, however long it is. */
const MAX_OUTPUT_BYTES = 64 * 1024;

/**
 * What bash says of a script. One that switches on extended patterns for itself is misunderstood while it is not run,
 * so a fault counts only if bash finds one with them and without.
 *
 * @param folder where the script lies
 * @param script its name there
 * @param timeoutMs for each of the two attempts
 */
export async function checkSyntax(folder: string, script: string, timeoutMs = PATIENCE_MS): Promise<BashVerdict> {
  const verdict = await ask(["-n", script], folder, timeoutMs);
  return verdict.kind === "fault" ? ask(["-O", "extglob", "-n", script], folder, timeoutMs) : verdict;
}

function ask(args: string[], cwd: string, timeout: number): Promise<BashVerdict> {
  const options = { cwd, env: ENVIRONMENT, timeout, maxBuffer: MAX_OUTPUT_BYTES, killSignal: "SIGKILL" as const };
  return new Promise((resolve) => {
    const child = execFile("bash", [LIMITED_BASH, ...args], options, (error, _, errors) => {
      resolve(verdictOf(error !== null, errors));
    });
    child.stdin?.on("error", () => undefined).end();
  });
}

const COMPLAINT = /^[^\n]*?: line (?<line>\d+): (?<doubt>warning: )?(?<text>[^\n]*)/;

/** Only the first complaint counts: what follows repeats it, or comes of it. */
function verdictOf(failed: boolean, errors: string): BashVerdict {
  const { line, doubt, text: complaint = "" } = COMPLAINT.exec(errors)?.groups ?? {};
  if (line === undefined) return { kind: failed ? "unknown" : "understood" };
  return { kind: doubt === undefined ? "fault" : "doubt", line: Number(line), complaint };
}
