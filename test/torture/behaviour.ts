// What the torture's one script does. All of it follows from execution and attempt, so that the auditor knows every byte.
import { zipOf } from "../support/zips.js";
import { Random } from "./random.js";

/** What one attempt must have done by its end. */
export interface Behaviour {
  exitCode: number;
  stdout: Buffer;
  stderr: Buffer;
}

// One entry of each list is drawn per attempt. The sizes lie around the limits of the capture: nothing, one byte, the
// worker's first read of 4 KiB, a pipe's 64 KiB, and more; the naps (seconds) around its window of 50 ms.
const STDOUT_BYTES = [0, 0, 1, 300, 4095, 4096, 4097, 65_536, 70_001, 2_097_152];
const STDERR_BYTES = [0, 17, 0, 0, 5000, 0, 0, 0, 100_000, 0];
const NAPS = [0, 0.02, 0, 0.06, 0.2, 0, 0.5, 0.04, 1.2, 0];
const EXIT_CODES = [0, 1, 0, 0, 7, 0, 0, 255, 0, 0];

/** The file that all output is cut from: bytes of any value, a quarter of them NUL. */
export function outputBytes(): Buffer {
  const random = new Random(4711);
  const bytes = Buffer.alloc(Math.max(...STDOUT_BYTES));
  for (let i = 0; i < bytes.length; i++) if (!random.chance(0.25)) bytes[i] = Math.floor(random.next() * 256);
  return bytes;
}

/** @param bytes those of `outputBytes` */
export function behaviourOf(executionId: number, attempt: number, bytes: Buffer): Behaviour {
  const drawn = (executionId * 7919 + attempt * 1409) % 10_000;
  const [size, errorSize] = [STDOUT_BYTES[drawn % 10] ?? 0, STDERR_BYTES[Math.floor(drawn / 10) % 10] ?? 0];
  const half = Math.floor(size / 2);
  return {
    exitCode: EXIT_CODES[Math.floor(drawn / 1000)] ?? 0,
    stdout: Buffer.concat([bytes.subarray(0, half), bytes.subarray(0, size - half)]),
    stderr: bytes.subarray(0, errorSize),
  };
}

/**
 * Its first act is a line in the witness file, `<execution> <attempt> <pid> <parent> <time> start`, its last one such a
 * line with `end <code>`: one write at the file's end each. The parent is the worker that started it.
 */
const SCRIPT = `
e=$BATCHLINE_EXECUTION_ID a=$BATCHLINE_ATTEMPT
say() { printf '%s\\n' "$e $a $$ $PPID \${EPOCHREALTIME/,/.} $*" >>"$TORTURE_WITNESS"; }
say start
leave() { say end "$1"; exit "$1"; }
trap 'leave 143' TERM
drawn=$(((e * 7919 + a * 1409) % 10000))
sizes=(${STDOUT_BYTES.join(" ")}) error_sizes=(${STDERR_BYTES.join(" ")})
naps=(${NAPS.join(" ")}) codes=(${EXIT_CODES.join(" ")})
size=\${sizes[drawn % 10]} error_size=\${error_sizes[drawn / 10 % 10]} nap=\${naps[drawn / 100 % 10]}
print() { (($1 == 0)) || head -c "$1" "$TORTURE_BYTES"; }
print $((size / 2))
[[ $nap == 0 ]] || sleep "$nap"
print "$error_size" >&2
print $((size - size / 2))
leave "\${codes[drawn / 1000]}"
`;

/** The archive of every batch of the torture. */
export async function tortureZip(): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await zipOf({ "script.sh": SCRIPT }));
}
