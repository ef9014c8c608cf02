// Random valid container specs in the notation people write, for property tests.
import fc from "fast-check";

/** Text a container's metadata can carry. */
export const metadataText = fc.string({ unit: "grapheme", maxLength: 12 }).map((text) =>
  // Control characters but white space are refused (spec/metadata-text.ts).
  text.replace(/[\u0000-\u0007\u000b\u000e-\u001f\u007f]/g, "?"),
);
const awkward = fc.constantFrom(
  "-x",
  "--",
  "",
  " ",
  "a b",
  "\n",
  "'\"`$\\",
  "ü€𝄞",
  "no",
  "1.10",
  "0x1f",
  "~",
  "a: b",
  "#c",
  "%s",
  "*",
);
export const word = fc.oneof(metadataText, awkward);

const size = (min: number, max: number, unit: string): fc.Arbitrary<string> =>
  fc.integer({ min, max }).map((n) => `${n}${unit}`);
const duration = fc.oneof(
  fc.integer({ min: 1, max: 5_000 }).map((n) => `${n}ms`),
  fc.integer({ min: 1, max: 90 }).map((n) => `${n}s`),
);
const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const path = fc.stringMatching(/^\/[a-z]{1,6}(\/[a-z0-9]{1,6})?$/);
const ip = fc.integer({ min: 2, max: 250 }).map((n) => `10.0.0.${n}`);

const volumes = fc.uniqueArray(
  fc.oneof(
    fc.record({ target: path.map((p) => `/vol${p}`) }),
    fc.record({ source: path.map((p) => `/data${p}`), target: path.map((p) => `/vol${p}`), readOnly: fc.boolean() }),
  ),
  { maxLength: 3, selector: ({ target }) => target },
);

const health = fc.oneof(
  fc.constant("none"),
  fc.record(
    {
      test: fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => ["CMD", ...words]),
      interval: duration,
      timeout: duration,
      startPeriod: duration,
      startInterval: duration,
      retries: fc.integer({ min: 0, max: 9 }),
    },
    { requiredKeys: ["test"] },
  ),
);

/** `image` is `nginx`, networks are `lan`, binds lie below /data; user and package say nothing. */
export const specInput = fc
  .record(
    {
      image: fc.constant("nginx"),
      name,
      entrypoint: fc.array(word, { maxLength: 2 }),
      command: fc.oneof(fc.array(word, { maxLength: 4 }), fc.constant("none")),
      env: fc
        .uniqueArray(fc.tuple(fc.stringMatching(/^[A-Z][A-Z_]{0,5}$/), word), {
          maxLength: 4,
          selector: ([key]) => key,
        })
        .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`)),
      user: fc.constantFrom("web", "1000", "1000:50", "root"),
      workdir: path,
      hostname: name,
      domainname: name.map((label) => `${label}.example`),
      labels: fc.dictionary(fc.oneof(name, fc.constantFrom("a.b/c", "-x", "ü", "a b")), word, { maxKeys: 3 }),
      tty: fc.boolean(),
      stdin: fc.boolean(),
      memory: size(64, 900, "m"),
      lockedMemory: size(1, 64, "m"),
      tmpfs: fc.oneof(fc.constant(true), size(0, 64, "m"), size(1, 900, "k")),
      cpus: fc.integer({ min: 1, max: 800 }).map((n) => n / 100),
      cpuShares: fc.integer({ min: 2, max: 262_144 }),
      pids: fc.integer({ min: 16, max: 9_999 }),
      disk: size(0, 50, "g"),
      ioPriority: fc.integer({ min: 1, max: 1000 }),
      networks: fc.oneof(
        fc.constant("none"),
        fc.record({ name: fc.constant("lan"), ip }).map((one) => [one]),
      ),
      dns: fc.uniqueArray(ip, { maxLength: 2 }),
      dnsSearch: fc.array(name, { maxLength: 2 }),
      extraHosts: fc.array(
        fc.tuple(name, ip).map(([host, address]) => `${host}:${address}`),
        { maxLength: 2 },
      ),
      volumes,
      restart: fc.constantFrom("no", "always", "unless-stopped", "on-failure", "on-failure:7"),
      healthcheck: health,
      log: fc.record(
        {
          driver: fc.constant("json-file"),
          options: fc.record({ "max-file": fc.constantFrom("1", "3") }, { requiredKeys: [] }),
          maxSize: fc.oneof(
            size(1, 99, "m"),
            fc.integer({ min: 1, max: 9_999 }).map((n) => n * 1000),
          ),
        },
        { requiredKeys: [] },
      ),
      stopSignal: fc.constantFrom("SIGINT", "TERM", "QUIT", "9"),
      stopTimeout: duration,
      kernelVersion: fc.constantFrom("4.3.0", "3.13", "5.10.0"),
      firewall: fc.boolean(),
    },
    { requiredKeys: ["image"] },
  )
  // Somebody has to say what to run.
  .filter(
    ({ entrypoint = ["x"], command = [] }) => entrypoint.join("") !== "" || (command !== "none" && command.length > 0),
  );
