import { expect, test } from "vitest";
import { refusedPayload } from "../../agent/zones/refused-payload.ts";
import { prepareText } from "../support/spec-builders.ts";

test("what vmadm refuses is told with the line it came from", () => {
  const { origins } = prepareText("image: a\ncpus: 2\nnetworks: { name: lan, ip: 10.0.0.7 }\n");
  const failure = {
    badValues: ["cpu_cap", "nics.0.ips"],
    badProperties: ["nonsense"],
    missingProperties: [],
  };
  const { message, code, hint } = refusedPayload("create web", failure, origins, "look");
  expect({ code, hint }).toEqual({ code: "PAYLOAD_INVALID", hint: "look" });
  expect(message).toBe(
    "create web: vmadm refuses the manifest: bad value of cpu_cap (spec: cpus (web.yaml:2:7), percent of one CPU); " +
      "bad value of nics.0.ips (spec: networks (web.yaml:3:11)); unknown property nonsense",
  );
});
