// What a pod may ask for and a zone cannot give (container-specs.md 2 and 5). Keys that are in neither this table nor the
// schema are unknown and warned about: the API is open.
import { dropped, isGiven, refused, warned, type Decisions } from "../open-document.ts";

const SECURITY = "is not enforced in a zone: do not rely on it";
const ONE_NODE = "has no effect: there is one node only";
const NO_API = "has no effect: there is no cluster behind this node";
const NO_KNOB = "has no equivalent in a zone: it is left out";
const OTHER_STORES = "volumes of this kind cannot be had here";
const SHARED = "a zone cannot share a namespace with the host";

const CONTAINER: Decisions[string] = {
  resizePolicy: dropped,
  restartPolicyRules: warned("the container's own restart policy alone is followed"),
  stdinOnce: dropped,
  terminationMessagePath: warned("no termination message is read"),
  terminationMessagePolicy: warned("no termination message is read"),
  volumeDevices: refused("block devices cannot be given to a zone"),
};

const SECURITY_CONTEXT: Decisions[string] = {
  allowPrivilegeEscalation: warned(SECURITY, (value) => value === false),
  appArmorProfile: warned(SECURITY),
  capabilities: warned("a zone has a fixed set of privileges: nothing is added or dropped"),
  privileged: refused("a zone cannot be privileged"),
  procMount: warned(NO_KNOB),
  readOnlyRootFilesystem: warned(SECURITY),
  seLinuxOptions: warned(SECURITY),
  seccompProfile: warned(SECURITY),
  windowsOptions: warned(NO_KNOB),
};

const MOUNT: Decisions[string] = {
  mountPropagation: warned("mounts do not propagate into a zone", (value) => isGiven(value) && value !== "None"),
  recursiveReadOnly: warned(NO_KNOB, (value) => isGiven(value) && value !== "Disabled"),
};

const PROBE: Decisions[string] = {
  terminationGracePeriodSeconds: warned("the pod's own grace period is used"),
};

const RESOURCES: Decisions[string] = { claims: warned(NO_API) };

const perContainer = (at: string): Record<string, Decisions[string]> => ({
  [at]: CONTAINER,
  [`${at}.securityContext`]: SECURITY_CONTEXT,
  [`${at}.volumeMounts[]`]: MOUNT,
  [`${at}.resources`]: RESOURCES,
  [`${at}.livenessProbe`]: PROBE,
  [`${at}.readinessProbe`]: PROBE,
  [`${at}.startupProbe`]: PROBE,
});

const OTHER_VOLUMES = [
  ...["awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "ephemeral", "fc", "flexVolume"],
  ...["flocker", "gcePersistentDisk", "gitRepo", "glusterfs", "image", "iscsi", "photonPersistentDisk"],
  ...["portworxVolume", "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume"],
];

export const POD_DECISIONS: Decisions = {
  "": { status: dropped },
  metadata: {
    creationTimestamp: dropped,
    deletionGracePeriodSeconds: dropped,
    deletionTimestamp: dropped,
    finalizers: warned(NO_API),
    generateName: dropped,
    generation: dropped,
    managedFields: dropped,
    ownerReferences: warned(NO_API),
    resourceVersion: dropped,
    selfLink: dropped,
    uid: dropped,
  },
  spec: {
    activeDeadlineSeconds: warned("the pod may run as long as it likes"),
    affinity: warned(ONE_NODE),
    automountServiceAccountToken: warned(NO_API),
    enableServiceLinks: dropped,
    ephemeralContainers: refused("containers cannot be added to a running pod by its document"),
    hostIPC: refused(SHARED),
    hostNetwork: refused(SHARED),
    hostPID: refused(SHARED),
    hostUsers: warned(NO_KNOB),
    hostnameOverride: warned("the pod's own host name is used"),
    imagePullSecrets: warned("the node's own credentials are used"),
    nodeName: warned(ONE_NODE),
    nodeSelector: warned(ONE_NODE),
    overhead: warned(ONE_NODE),
    preemptionPolicy: warned(ONE_NODE),
    priority: warned(ONE_NODE),
    priorityClassName: warned(ONE_NODE),
    readinessGates: warned(NO_API),
    resourceClaims: warned(NO_API),
    resources: warned("limits stand with the containers"),
    runtimeClassName: warned(NO_KNOB),
    schedulerName: warned(ONE_NODE),
    schedulingGates: warned(NO_API),
    serviceAccount: warned(NO_API),
    setHostnameAsFQDN: warned("the host name has no domain"),
    subdomain: warned("the host name has no domain"),
    tolerations: warned(ONE_NODE),
    topologySpreadConstraints: warned(ONE_NODE),
  },
  "spec.dnsConfig": { options: warned("options of the resolver cannot be set") },
  "spec.securityContext": {
    ...SECURITY_CONTEXT,
    fsGroupChangePolicy: warned(NO_KNOB),
    seLinuxChangePolicy: warned(NO_KNOB),
    supplementalGroupsPolicy: warned(NO_KNOB),
    sysctls: warned(NO_KNOB),
  },
  "spec.volumes[]": Object.fromEntries(OTHER_VOLUMES.map((kind) => [kind, refused(OTHER_STORES, isGiven)])),
  ...perContainer("spec.containers[]"),
  ...perContainer("spec.initContainers[]"),
};
