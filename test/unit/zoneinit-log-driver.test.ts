import { describe, expect, test } from "vitest";
import { logFaults, logOptions } from "../../agent/zoneinit/log-driver.ts";

const there = { hasLogger: true };
const texts = (driver: string, options: Record<string, string>): string[] =>
  logFaults(driver, options, there).map(({ message }) => message);

describe("options", () => {
  test.each<[string, Record<string, string>]>([
    ["json-file", { "max-size": "10m", "max-file": "3" }],
    ["none", {}],
    [
      "syslog",
      { "syslog-address": "udp://10.0.0.5:514", "syslog-facility": "local3", "syslog-tag": "{{.Name}}/{{.ID}}" },
    ],
    ["syslog", { "syslog-address": "tcp://logs.example.com", "syslog-facility": "23" }],
    ["gelf", { "gelf-address": "udp://10.0.0.9:12201" }],
    ["fluentd", { "fluentd-address": "10.0.0.8:24224", "fluentd-tag": "docker.{{ .FullID }}" }],
  ])("%s %j", (driver, options) => {
    expect(texts(driver, options)).toEqual([]);
  });

  test.each<[string, Record<string, string>, string]>([
    ["json-file", { "max-size": "0k" }, "must be a positive integer size ([0-9+][k|m|g])"],
    ["json-file", { "max-file": "0" }, "must be a positive integer"],
    ["json-file", { labels: "x" }, "unknown log opt: 'labels' for json-file driver (it takes max-size, max-file)"],
    ["none", { "max-size": "1k" }, "log driver: none does not support options"],
    ["syslog", {}, "missing required log opt 'syslog-address' for log driver: syslog"],
    [
      "syslog",
      { "syslog-address": "unix:///x" },
      'must be a syslog address "<udp|tcp>://<host>[:port]" (invalid protocol)',
    ],
    [
      "syslog",
      { "syslog-address": "udp://Logs.x:514" },
      'must be a syslog address "<udp|tcp>://<host>[:port]" (invalid host)',
    ],
    [
      "syslog",
      { "syslog-address": "udp://x:0" },
      'must be a syslog address "<udp|tcp>://<host>[:port]" (invalid port)',
    ],
    ["gelf", { "gelf-address": "udp://x" }, 'must be a gelf address "udp://<host>:<port>" (invalid port)'],
    ["gelf", { "gelf-address": "tcp://x:1" }, 'must be a gelf address "udp://<host>:<port>" (invalid protocol)'],
    ["fluentd", { "fluentd-address": "tcp://x:1" }, 'must be a fluentd address "<host>:<port>" (invalid protocol)'],
    [
      "syslogd",
      {},
      'unsupported log driver: syslogd (did you mean "syslog"?); use json-file, none, syslog, gelf or fluentd',
    ],
    ["journald", {}, "unsupported log driver: journald; use json-file, none, syslog, gelf or fluentd"],
  ])("%s %j is refused", (driver, options, message) => {
    expect(texts(driver, options)).toEqual([message]);
  });

  test("Docker's own name of an option is recognised", () => {
    expect(texts("syslog", { "syslog-address": "udp://x", tag: "a" })).toEqual([
      "unknown log opt: 'tag' for syslog driver (did you mean \"syslog-tag\"?)",
    ]);
    expect(texts("syslog", { "syslog-address": "udp://x", "syslog-facility": "24" })[0]).toMatch(
      /^must be one of: kern,/,
    );
  });

  test.each(["{{.Nmae}}", "{{.ID", "a}}", "{{range .}}x{{end}}"])(
    "a tag %j would kill the logger, and so the container",
    (tag) => {
      expect(texts("fluentd", { "fluentd-address": "x:1", "fluentd-tag": tag })[0]).toContain(
        "can be made of text and {{.ID}}",
      );
    },
  );
});

test("without the platform's logger a network driver is refused with the reason", () => {
  const [fault] = logFaults("syslog", { "syslog-address": "udp://x" }, { hasLogger: false });
  expect(fault?.message).toBe(
    "the log driver syslog needs the platform's logger, /lib/sdc/docker/logger, which this node does not have: the container would be killed at its start; use json-file or none",
  );
});

test("defaults follow what is given, tags are expanded, a port is added", () => {
  const subject = {
    dockerId: "5c3f0a1e7b52".padEnd(64, "0"),
    name: "web",
    imageName: "nginx:1",
    imageId: `sha256:${"ab".repeat(32)}`,
  };
  expect(JSON.stringify(logOptions("syslog", { "syslog-address": "tcp://logs.example.com" }, subject))).toBe(
    '{"syslog-address":"tcp://logs.example.com:514","syslog-facility":"daemon","syslog-tag":"5c3f0a1e7b52"}',
  );
  expect(logOptions("fluentd", { "fluentd-tag": "docker.{{.Name}}.{{.ImageName}}.{{.ImageID}}" }, subject)).toEqual({
    "fluentd-tag": "docker.web.nginx:1.abababababab",
  });
  expect(logOptions("json-file", { "max-file": "3" }, subject)).toEqual({ "max-file": "3" });
});
