// The clock that the services see: Debian's libfaketime shifts it, for them alone, by what stands in a file.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const LIBRARY = "faketime/libfaketimeMT.so.1";
const PACKAGE = "libfaketime";

export class ServiceClock {
  /** How far the services' clock is ahead, in ms. */
  private offsetMs = 0;
  private highestMs = 0;
  private readonly file: string;
  private held: Promise<unknown> = Promise.resolve();

  /** @param library null: the clock cannot be set, and is the machine's */
  constructor(
    folder: string,
    private readonly library: string | null,
  ) {
    this.file = path.join(folder, "clock");
    this.write();
  }

  get canBeSet(): boolean {
    return this.library !== null;
  }

  /** What a service's environment needs. Monotonic time and the times of files stay true. */
  environment(): Record<string, string> {
    if (this.library === null) return {};
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
    };
  }

  /** The instant that the services see now, in ms since 1970. */
  now(): number {
    return Date.now() + this.offsetMs;
  }

  /** Sets it forward for good: nothing will be later than this but what is set forward again. */
  async forward(ms: number): Promise<void> {
    await this.hold(() => {
      this.highestMs += ms;
      this.offsetMs = this.highestMs;
      this.write();
    });
  }

  /** Sets it back; `restore` puts it where it would be without that. */
  async back(ms: number): Promise<void> {
    await this.hold(() => {
      this.offsetMs = this.highestMs - ms;
      this.write();
    });
  }

  restore(): Promise<void> {
    return this.back(0);
  }

  /** Nobody sets the clock while `act` is at work. */
  async hold<T>(act: () => T | Promise<T>): Promise<T> {
    const before = this.held;
    const result = before.then(act);
    this.held = result.catch(() => undefined);
    return result;
  }

  /** Removes what the library left in shared memory for a process that was killed. */
  cleanUpAfter(pid: number): void {
    if (this.library === null) return;
    for (const name of readdirSync("/dev/shm")) {
      if (/faketime/.test(name) && name.endsWith(`_${pid}`)) rmSync(path.join("/dev/shm", name), { force: true });
    }
  }

  private write(): void {
    writeFileSync(`${this.file}.new`, `${this.offsetMs < 0 ? "-" : "+"}${Math.abs(this.offsetMs) / 1000}\n`);
    renameSync(`${this.file}.new`, this.file);
  }
}

/** Where the library is; installed by Debian's package if it is not there and we may. null, and said, if it cannot be had. */
export function findFaketime(): string | null {
  const found = libraries()[0];
  if (found !== undefined) return found;
  try {
    const install = `source tools/mariadb.sh; apt_quietly install -y --no-install-recommends ${PACKAGE}`;
    execFileSync("bash", ["-c", install], { stdio: ["ignore", "ignore", "inherit"] });
  } catch {
    // Not root, not Debian, no network: said below.
  }
  const installed = libraries()[0];
  if (installed === undefined) {
    console.error(`NO CLOCK STEPS: the package ${PACKAGE} is not installed and cannot be installed from here.`);
  }
  return installed ?? null;
}

function libraries(): string[] {
  return ["/usr/lib", "/usr/local/lib", "/usr/lib64"]
    .flatMap((place) => [path.join(place, LIBRARY), ...below(place)])
    .filter((file) => existsSync(file));
}

/** Debian has it in the folder of the machine's kind, such as x86_64-linux-gnu. */
function below(place: string): string[] {
  if (!existsSync(place)) return [];
  return readdirSync(place).map((name) => path.join(place, name, LIBRARY));
}
