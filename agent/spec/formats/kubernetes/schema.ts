// The schema of a pod as far as a zone takes it over; the rest is in decisions.ts.
import { z } from "zod";
import { text } from "../../fields.ts";
import { MAX_APPS } from "../format.ts";
import { absentable, absentableText, absolutePath, flag, listOf, mapOf } from "../go-json.ts";
import { command, dnsLabel, dnsSubdomain, id, ipAddress, portNumber, portOrName, quantity, seconds } from "./values.ts";

const scalarText = z.union([text, z.number(), z.boolean()]).transform(String);
const reference = z.object({ name: absentableText, key: absentableText, optional: flag });

const environment = listOf(
  z.strictObject({
    name: text.regex(/^[^=]+$/, "must not be empty, and not contain ="),
    // Quotes are forgotten often; the API itself takes text only.
    value: absentable(text),
    valueFrom: absentable(
      z.strictObject({
        fieldRef: absentable(z.strictObject({ apiVersion: absentableText, fieldPath: text })),
        resourceFieldRef: absentable(
          z.strictObject({ containerName: absentableText, resource: text, divisor: absentable(quantity) }),
        ),
        configMapKeyRef: absentable(reference),
        secretKeyRef: absentable(reference),
        fileKeyRef: absentable(z.unknown()),
      }),
    ),
  }),
);
export type Environment = z.output<typeof environment>;

const envFrom = listOf(
  z.strictObject({ prefix: absentableText, configMapRef: absentable(reference), secretRef: absentable(reference) }),
);

const httpGet = z.strictObject({
  path: absentableText,
  port: portOrName,
  host: absentableText,
  scheme: absentable(z.enum(["HTTP", "HTTPS"])),
  httpHeaders: listOf(z.strictObject({ name: text, value: text })),
});
const tcpSocket = z.strictObject({ port: portOrName, host: absentableText });

const atLeastOne = z.int().min(1, "must be at least 1");

const probe = z.strictObject({
  exec: absentable(command),
  httpGet: absentable(httpGet),
  tcpSocket: absentable(tcpSocket),
  grpc: absentable(z.strictObject({ port: portNumber, service: absentableText })),
  initialDelaySeconds: absentable(seconds),
  periodSeconds: absentable(seconds),
  timeoutSeconds: absentable(seconds),
  successThreshold: absentable(atLeastOne),
  failureThreshold: absentable(atLeastOne),
});
export type Probe = z.output<typeof probe>;

const handler = z.strictObject({
  exec: absentable(command),
  httpGet: absentable(z.unknown()),
  tcpSocket: absentable(z.unknown()),
  sleep: absentable(z.unknown()),
});

const securityContext = z.strictObject({
  runAsUser: absentable(id),
  runAsGroup: absentable(id),
  runAsNonRoot: absentable(z.boolean()),
});

const restartPolicy = z.enum(["Always", "OnFailure", "Never"]);

const container = z.strictObject({
  name: dnsLabel,
  image: text.min(1, "must not be empty"),
  imagePullPolicy: absentable(z.enum(["Always", "IfNotPresent", "Never"])),
  command: absentable(z.array(text)),
  args: absentable(z.array(text)),
  workingDir: absentableText,
  env: environment,
  envFrom,
  ports: listOf(
    z.strictObject({
      name: absentable(z.string().regex(/^[a-z0-9-]{1,15}$/, "must be 1 to 15 lower-case letters, digits and hyphens")),
      containerPort: portNumber,
      hostPort: absentable(z.union([z.literal(0).transform(() => undefined), portNumber])),
      hostIP: absentable(ipAddress),
      protocol: absentable(z.enum(["TCP", "UDP", "SCTP"])),
    }),
  ),
  resources: absentable(z.strictObject({ limits: mapOf(quantity), requests: mapOf(quantity) })),
  volumeMounts: listOf(
    z.strictObject({
      name: text,
      mountPath: absolutePath.regex(/^[^:]*$/, "must not contain a colon"),
      readOnly: flag,
      subPath: absentableText,
      subPathExpr: absentableText,
    }),
  ),
  livenessProbe: absentable(probe),
  readinessProbe: absentable(probe),
  startupProbe: absentable(probe),
  lifecycle: absentable(
    z.strictObject({ postStart: absentable(handler), preStop: absentable(handler), stopSignal: absentableText }),
  ),
  securityContext: absentable(securityContext),
  restartPolicy: absentable(restartPolicy),
  stdin: flag,
  tty: flag,
});
export type Container = z.output<typeof container>;

const optionalStore = z.object({ optional: flag });

const volume = z.strictObject({
  name: dnsLabel,
  emptyDir: absentable(z.strictObject({ medium: absentableText, sizeLimit: absentable(quantity) })),
  hostPath: absentable(
    z.strictObject({
      path: absolutePath,
      type: absentable(
        z.enum(["", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket", "CharDevice", "BlockDevice"]),
      ),
    }),
  ),
  persistentVolumeClaim: absentable(z.strictObject({ claimName: text.min(1), readOnly: flag })),
  nfs: absentable(z.strictObject({ server: text.min(1), path: absolutePath, readOnly: flag })),
  configMap: absentable(optionalStore),
  secret: absentable(optionalStore),
  projected: absentable(z.unknown()),
  downwardAPI: absentable(z.unknown()),
});
export type Volume = z.output<typeof volume>;

const spec = z.strictObject({
  containers: listOf(container).refine((list) => list.length <= MAX_APPS, `more than ${MAX_APPS} containers`),
  initContainers: listOf(container).refine((list) => list.length <= MAX_APPS, `more than ${MAX_APPS} containers`),
  restartPolicy: absentable(restartPolicy),
  terminationGracePeriodSeconds: absentable(seconds),
  dnsPolicy: absentable(z.enum(["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"])),
  dnsConfig: absentable(z.strictObject({ nameservers: listOf(ipAddress), searches: listOf(text) })),
  hostAliases: listOf(z.strictObject({ ip: ipAddress, hostnames: listOf(text.min(1)) })),
  hostname: absentable(dnsLabel),
  serviceAccountName: absentableText,
  shareProcessNamespace: flag,
  securityContext: absentable(
    z.strictObject({ ...securityContext.shape, supplementalGroups: listOf(id), fsGroup: absentable(id) }),
  ),
  volumes: listOf(volume),
  os: absentable(z.strictObject({ name: text })),
});
export type PodSpec = z.output<typeof spec>;

export const podSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Pod"),
  metadata: z.strictObject({
    name: dnsSubdomain,
    namespace: absentable(dnsLabel),
    labels: mapOf(scalarText),
    annotations: mapOf(scalarText),
  }),
  spec,
});
export type Pod = z.output<typeof podSchema>;
