import { defineConfig } from "vitest/config";

// Forks, each with tsx loaded: worker threads that the code under test starts inherit it and can load TypeScript.
export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/torture/**"],
    pool: "forks",
    execArgv: ["--import", "tsx"],
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
