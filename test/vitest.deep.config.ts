// The slow suites: matrices, large images, long streams. `npm run test:deep`, beside `npm test`.
import { defineConfig } from "vitest/config";
import base from "./vitest.config.ts";

export default defineConfig({
  test: {
    ...base.test,
    include: ["test/deep/**/*.test.ts"],
    exclude: [],
    testTimeout: 300_000,
    hookTimeout: 120_000,
    // Many of them watch processes live and die in real time: no more at once than there are cores.
    maxWorkers: 2,
  },
});
