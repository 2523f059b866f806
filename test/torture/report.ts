// The torture's outcome for people: a Markdown table, and the faults in words.
import type { Findings } from "./findings.js";
import type { Verdict } from "./torture.js";

const SHOWN_PER_KIND = 10;

const COLUMNS: [string, (verdict: Verdict) => string | number][] = [
  ["database", ({ name }) => name],
  ["minutes", ({ minutes }) => Math.round(minutes * 10) / 10],
  ["service kills", ({ deeds }) => deeds.kills + deeds.terminations],
  ["worker kills, idle + busy", ({ deeds }) => `${deeds.idleWorkers} + ${deeds.busyWorkers}`],
  ["remover kills", ({ deeds }) => deeds.removers],
  ["freezes", ({ deeds }) => deeds.freezes],
  ["clock steps", ({ deeds }) => deeds.clockSteps],
  ["executions", ({ findings }) => findings.executions],
  ["occurrences planned", ({ findings }) => findings.planned],
  ["started once", ({ findings }) => findings.startedOnce],
  ["doubled", ({ findings }) => findings.count("doubled")],
  ["missing", ({ findings }) => findings.count("missing") + findings.count("mute")],
  ["invented", ({ findings }) => findings.count("invented")],
  ["wrong exit", ({ findings }) => findings.count("wrong_exit")],
  ["lost, its worker killed", ({ findings }) => findings.lostExplained],
  ["lost otherwise", ({ findings }) => findings.count("lost")],
  ["logs compared", ({ findings }) => findings.logsCompared],
  ["log bytes wrong", ({ findings }) => findings.count("log")],
  ["final status changed later", ({ findings }) => findings.count("changed")],
  ["other faults", ({ findings }) => otherFaults(findings)],
];

function otherFaults(findings: Findings): number {
  const kinds = ["stuck", "status", "chain", "overlap", "concurrency"] as const;
  return kinds.reduce((sum, kind) => sum + findings.count(kind), 0);
}

/** One column per round, so that it fits a page. */
export function table(verdicts: Verdict[]): string {
  const [[, nameOf] = ["", () => ""], ...rows] = COLUMNS;
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    line(["", ...verdicts.map(nameOf)]),
    line(["---", ...verdicts.map(() => "--:")]),
    ...rows.map(([name, valueOf]) => line([name, ...verdicts.map(valueOf)])),
  ].join("\n");
}

/** The first faults of each kind, and what services answered that they should not have. */
export function details({ name, findings, complaints }: Verdict): string {
  const lines: string[] = [];
  for (const kind of new Set(findings.faults.map((fault) => fault.kind))) {
    const faults = findings.faults.filter((fault) => fault.kind === kind);
    lines.push(`${name}: ${faults.length} x ${kind}`);
    lines.push(...faults.slice(0, SHOWN_PER_KIND).map(({ text }) => `  ${text}`));
  }
  for (const [words, count] of complaints) lines.push(`${name}: answered ${count} times: ${words}`);
  return lines.join("\n");
}
