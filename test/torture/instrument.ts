// Puts delays into a copy of the product: after every await of the service's JavaScript, and before every step of its worker.
import ts from "typescript";

/** How often a step is held up, and for how long at most. */
export interface Delay {
  probability: number;
  maxMs: number;
}

/** Where the copy holds up, by how much. */
export interface Delays {
  /** Inside of `database/`: in the middle of transactions. */
  database: Delay;
  /** Inside of `jobs/` and `handlers/`. */
  jobs: Delay;
  /** Each step of worker.sh. */
  worker: Delay;
  /** The step in which worker.sh takes a run: until then another service may give it to another worker. */
  fence: Delay;
  /** Between the making and the writing of a status file, when it is torn for others. */
  torn: Delay;
}

/**
 * Makes each await last longer, now and then: `await x` becomes `await __held(x, ...)`. Whatever happens during the longer
 * wait could have happened during the short one too, so that no fault appears that the product does not have.
 */
export function holdAwaits(javaScript: string, { probability, maxMs }: Delay): string {
  const source = ts.createSourceFile("module.js", javaScript, ts.ScriptTarget.ES2023, false, ts.ScriptKind.JS);
  const insertions: { at: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isAwaitExpression(node)) {
      insertions.push({ at: node.expression.getStart(source), text: "globalThis.__held(" });
      insertions.push({ at: node.expression.getEnd(), text: `, ${probability}, ${maxMs})` });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  // From the end, so that no insertion moves the places of those still to come.
  insertions.sort((a, b) => b.at - a.at);
  let text = javaScript;
  for (const { at, text: inserted } of insertions) text = text.slice(0, at) + inserted + text.slice(at);
  return text;
}

/** Loaded before the product: what `__held` is. It also keeps the faked clock from every process but this one. */
export const PRELOAD = `
delete process.env.LD_PRELOAD;
globalThis.__held = async (value, probability, maxMs) => {
  const hold = () => {
    if (Math.random() >= probability) return;
    return new Promise((resolve) => setTimeout(resolve, Math.random() * maxMs));
  };
  try {
    const result = await value;
    await hold();
    return result;
  } catch (error) {
    await hold();
    throw error;
  }
};
`;

/** The worker's functions whose steps are held up. take_head is not among them: its window of 50 ms is a promise. */
const WORKER_FUNCTIONS = ["claim", "open_pipes", "become_script", "start_drain", "start_drains", "capture", "run"];

/** A line that is a step of its own: not the rest of another one, and not the reading of the last one's exit code. */
const STEP =
  /^ {2,6}(?!(local|if|then|else|elif|fi|while|for|do|done|shift|return|result=|code=|script=|#|\}|\{))[a-z[(]/;

/**
 * Holds up every step of the worker. The pause reads from a pipe that nobody writes to, as the worker's own `doze`: it
 * starts no process, leaves no descriptor open, and changes no parameter of the function that it stands in.
 */
export function holdWorkerSteps(bash: string, { worker, fence, torn }: Delays): string {
  const found = new Set<string>();
  let inside = "";
  let continued = false;
  const lines = bash.split("\n").flatMap((line) => {
    inside = /^([a-z_]+)\(\) \{/.exec(line)?.[1] ?? (line === "}" ? "" : inside);
    const held = !continued && WORKER_FUNCTIONS.includes(inside) && STEP.test(line);
    continued = /(\\|&&|\|\|)$/.test(line);
    if (!held) return [line];
    found.add(inside);
    const special = Object.entries({ 'claim "$1"': fence, '"starting $identity"': torn });
    const { probability, maxMs } = special.find(([step]) => line.includes(step))?.[1] ?? worker;
    return [`${/^ */.exec(line)?.[0] ?? ""}pause_ ${Math.round(probability * 1000)} ${maxMs}`, line];
  });
  const missing = WORKER_FUNCTIONS.filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new Error(`worker.sh has no steps in ${missing.join(", ")}: adapt instrument.ts to it.`);
  const [first = "", ...rest] = lines;
  return [first, PAUSE, ...rest].join("\n");
}

const PAUSE = `
pause_() { # THOUSANDTHS MAX_MS
  ((RANDOM % 1000 < $1)) || return 0
  local pause_ms_
  pause_ms_=$((RANDOM % $2))
  printf -v pause_ms_ %d.%03d "$((pause_ms_ / 1000))" "$((pause_ms_ % 1000))"
  { read -r -u 20 _; read -r -t "$pause_ms_" -u 21 _; } 20<<<'' 21<>/proc/self/fd/20
  return 0
} 2>/dev/null
`;
