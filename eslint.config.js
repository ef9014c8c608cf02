import tseslint from "typescript-eslint";
import importX from "eslint-plugin-import-x";

// The layers of agent/README.md. A directory may import from itself, from `util`, and from what its row names; nothing else.
// Layer 0 knows no zones, layer 1 knows the platform, layer 2 decides, layer 3 and 4 are doors.
const base = ["util", "errors"];
const layer0 = [...base, "exec", "host", "config", "log"];
const layer1 = ["filters", "spec", "vmadm", "imgadm", "zoneinit", "docker-view", "sdc-docker"];
const allowed = {
  util: [],
  errors: ["util"],
  exec: base,
  host: [...base, "exec"],
  config: base,
  log: base,
  filters: base,
  spec: base,
  vmadm: [...layer0],
  imgadm: [...layer0, "spec"],
  zoneinit: [...base, "spec", "vmadm"],
  "docker-view": [...base, "filters", "spec", "vmadm", "zoneinit"],
  "sdc-docker": [...base, "spec", "vmadm", "zoneinit", "docker-view"],
  logs: [...layer0, "vmadm"],
  volumes: [...layer0, "spec", "vmadm"],
  zones: [...layer0, ...layer1, "logs", "volumes"],
  events: [...layer0, ...layer1, "zones"],
  snapshots: [...layer0, ...layer1, "zones"],
  tasks: [...layer0, ...layer1, "zones", "logs", "volumes", "events", "snapshots"],
  introspect: [...layer0, ...layer1, "events"],
  amqp: [...layer0, ...layer1],
  daemon: [...layer0, ...layer1, "logs", "volumes", "zones", "events", "introspect"],
  cli: [...layer0, ...layer1, "logs", "volumes", "zones", "events", "snapshots", "tasks", "introspect", "daemon"],
  // The lab host stands in for the platform: it shares nothing with the agent but the domain-free helpers.
  labhost: ["util"],
};
const directories = Object.keys(allowed);

function layerRule(directory) {
  const forbidden = directories.filter((d) => d !== directory && !allowed[directory].includes(d));
  return {
    files: [`agent/${directory}/**/*.ts`],
    rules: {
      "no-restricted-imports": [
        "error",
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(${forbidden.join("|")})/`,
              message: `agent/${directory} may import only: ${[directory, ...allowed[directory]].join(", ")} (see agent/README.md).`,
            },
            {
              regex: `^(\\.\\./)+(${directory === "cli" ? "main" : "main|app"})\\.ts$`,
              message: "Imports point downward.",
            },
            ...only(directory, "exec", "execa", "agent/exec"),
            // Its one importer is agent/exec/terminal.ts; that it may be missing is known there.
            { regex: "^node-pty($|/)", message: "node-pty is imported by agent/exec/terminal.ts only." },
            ...only(directory, "imgadm", "undici", "agent/imgadm/registry"),
            ...only(directory, "filters", "re2js", "agent/filters"),
          ],
        },
      ],
    },
  };
}

function only(directory, owner, pkg, where) {
  return directory === owner ? [] : [{ regex: `^${pkg}($|/)`, message: `${pkg} is imported by ${where} only.` }];
}

export default tseslint.config(
  { ignores: ["dist/**", "node_modules/**", "agent/build.mjs", "test/fixtures/**"] },
  {
    files: ["agent/**/*.ts", "test/**/*.ts", "manifests/**/*.ts"],
    extends: [...tseslint.configs.strictTypeChecked],
    plugins: { "import-x": importX },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    settings: {
      "import-x/extensions": [".ts", ".js"],
      "import-x/parsers": { "@typescript-eslint/parser": [".ts"] },
      "import-x/resolver-next": [importX.createNodeResolver({ extensions: [".ts", ".js"] })],
    },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-unnecessary-condition": [
        "error",
        { allowConstantLoopConditions: "only-allowed-literals" },
      ],
      "no-console": "error",
      eqeqeq: "error",
      "import-x/no-cycle": "error",
    },
  },
  {
    files: ["agent/**/*.ts"],
    ignores: ["agent/config/**", "agent/labhost/**", "agent/main.ts"],
    rules: {
      "no-restricted-properties": [
        "error",
        { object: "process", property: "env", message: "The environment is read in agent/config only." },
        { object: "process", property: "exit", message: "Only agent/main.ts ends the process." },
      ],
    },
  },
  {
    files: ["agent/**/*.ts"],
    ignores: ["agent/labhost/**", "agent/util/ids.ts"],
    rules: { "@typescript-eslint/consistent-type-assertions": ["error", { assertionStyle: "never" }] },
  },
  ...directories.map(layerRule),
  {
    files: ["test/**/*.ts"],
    rules: { "@typescript-eslint/no-non-null-assertion": "off" },
  },
);
