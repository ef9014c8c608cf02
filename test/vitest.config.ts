import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/deep/**"], // vitest.deep.config.ts
    globalSetup: [join(import.meta.dirname, "support/requirements.ts")],
    setupFiles: [join(import.meta.dirname, "support/fixed-seed.ts")],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The tests start thousands of short-lived programs, which compile longer than they run.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, "../node_modules/.cache/zonelet-compiled") },
    // Two cores are the smallest machine we test on; zones and registries are real processes beside the workers.
    maxWorkers: 3,
  },
});
