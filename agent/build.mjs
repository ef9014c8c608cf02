// Bundles the two programs of this repository into one file each. `dist/zonelet.mjs` is all that a node needs.
import { chmod, readFile } from "node:fs/promises";
import { build } from "esbuild";

const { version } = JSON.parse(await readFile(new URL("../package.json", import.meta.url), "utf8"));

// Some dependencies are CommonJS and call require() for node's own modules; a bundle in module form has to give them one.
// The experimental warning of node:sqlite (used for kernel-released locks, see DECISIONS.md) would land on a user's stderr.
const banner = `#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { createRequire as __createRequire } from "node:module";
const require = __createRequire(import.meta.url);`;

const programs = [
  { entry: "agent/main.ts", out: "dist/zonelet.mjs" },
  { entry: "agent/labhost/main.ts", out: "dist/zonelet-lab.mjs" },
];

await Promise.all(
  programs.map(async ({ entry, out }) => {
    await build({
      entryPoints: [entry],
      outfile: out,
      bundle: true,
      platform: "node",
      target: "node22.22",
      format: "esm",
      banner: { js: banner },
      define: { ZONELET_VERSION: JSON.stringify(version) },
      external: ["node-pty"],
      legalComments: "none",
      logLevel: "warning",
    });
    await chmod(out, 0o755);
  }),
);
