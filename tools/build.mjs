// Builds `dist/`: compiles TypeScript and copies the files that are not TypeScript but belong to the program.
// With --if-possible (the install hook) it says so and does nothing where the compiler was not installed.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const compiler = `${root}node_modules/typescript/bin/tsc`;
const assets = ["worker.sh", "remover.sh", "bash-syntax.sh"].map((name) => `src/handlers/process/${name}`);

if (!existsSync(compiler)) {
  if (!process.argv.includes("--if-possible")) {
    console.error("The TypeScript compiler is not installed: run `npm ci` without --omit=dev, then build again.");
    process.exit(1);
  }
  console.log("Skipping the build: the TypeScript compiler is not installed (production install).");
  process.exit(0);
}
const { status } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) process.exit(status ?? 1);
for (const asset of assets) cpSync(root + asset, `${root}dist/${asset}`);
