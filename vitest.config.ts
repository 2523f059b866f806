import { defineConfig } from "vitest/config";

// Forks that can load TypeScript by themselves, so that worker threads which the code under test starts can too.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    execArgv: ["--import", "./tools/typescript.mjs"],
    maxWorkers: 2,
    // Loading the service anew for each of so many files took a third of the time; nothing in it is kept in modules.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
