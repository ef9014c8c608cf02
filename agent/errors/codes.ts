// Every error code of the agent and its class. A code is written once, never reused for something else, and never
// renamed after a release: programs match on it. Add new ones in the section of the layer that raises them.
import type { ErrorClass } from "./classes.ts";

export const ERROR_CODES = {
  // general
  INTERNAL: "Internal",
  CANCELLED: "Cancelled",
  DEADLINE: "DeadlineExceeded",
  USAGE: "InvalidArgument",
  LOCKED: "Unavailable",
  FILE_DENIED: "PermissionDenied",

  // host and configuration
  CONFIG_INVALID: "InvalidArgument",
  HOST_UNSUPPORTED: "FailedPrecondition",
  HOST_COMMAND_MISSING: "FailedPrecondition",
  HOST_COMMAND_FAILED: "Internal",
  HOST_OUTPUT_INVALID: "Internal",
  NOT_ROOT: "PermissionDenied",

  // vmadm
  ZONE_NOT_FOUND: "NotFound",
  ZONE_EXISTS: "AlreadyExists",
  ZONE_STATE: "FailedPrecondition",
  ZONE_NOT_RUNNING: "FailedPrecondition",
  ZONE_INDESTRUCTIBLE: "FailedPrecondition",
  ZONE_VOLUMES_SHARED: "FailedPrecondition",
  ZONE_BOOT_FAILED: "FailedPrecondition",
  ZONE_UNSUPPORTED: "Unimplemented",
  PAYLOAD_INVALID: "InvalidArgument",
  NIC_TAG_MISSING: "FailedPrecondition",
  ADDRESS_CONFLICT: "AlreadyExists",
  SIGNAL_UNKNOWN: "InvalidArgument",
  SNAPSHOT_EXISTS: "AlreadyExists",
  SNAPSHOT_NOT_FOUND: "NotFound",
  VMINFOD_UNAVAILABLE: "Unavailable",
  VMINFOD_TIMEOUT: "DeadlineExceeded",
  PROVISION_TIMEOUT: "DeadlineExceeded",

  // imgadm and images
  IMAGE_NOT_INSTALLED: "NotFound",
  IMAGE_IN_USE: "FailedPrecondition",
  IMAGE_DATABASE_CORRUPT: "FailedPrecondition",
  IMAGE_MANIFEST_INVALID: "InvalidArgument",
  IMAGE_FILE_INVALID: "InvalidArgument",
  IMAGE_PLATFORM: "FailedPrecondition",
  IMAGE_ORIGIN_MISSING: "FailedPrecondition",
  IMAGE_INSTALL_FAILED: "Internal",
  IMAGE_REFERENCE_INVALID: "InvalidArgument",
  IMAGE_REFERENCE_AMBIGUOUS: "InvalidArgument",
  IMAGE_NOT_FOUND: "NotFound",
  IMAGE_NO_AMD64: "FailedPrecondition",
  IMAGE_UNSUPPORTED: "Unimplemented",
  IMAGE_CORRUPT: "InvalidArgument",
  IMAGE_ARCHIVE_INVALID: "InvalidArgument",
  IMAGE_NOT_OURS: "FailedPrecondition",
  IMAGE_BLOBS_MISSING: "FailedPrecondition",
  LAYER_HOSTILE: "InvalidArgument",
  REGISTRY_UNREACHABLE: "Unavailable",
  REGISTRY_DENIED: "PermissionDenied",
  REGISTRY_LIMIT: "Unavailable",
  REGISTRY_PROTOCOL: "Internal",
  REGISTRY_PLAIN_HTTP: "FailedPrecondition",
  REGISTRY_UNTRUSTED: "FailedPrecondition",
  REGISTRY_NO_CATALOG: "Unimplemented",
  DISK_FULL: "ResourceExhausted",

  // specs and manifests
  SPEC_INVALID: "InvalidArgument",
  SPEC_SYNTAX: "InvalidArgument",
  SPEC_UNSUPPORTED: "Unimplemented",
  NO_COMMAND: "InvalidArgument",
  PACKAGE_NOT_FOUND: "NotFound",
  NETWORK_NOT_FOUND: "NotFound",
  PROVISIONING_DENIED: "PermissionDenied",
  MOUNT_SOURCE_MISSING: "FailedPrecondition",
  USER_UNKNOWN: "FailedPrecondition",

  // filters
  FILTER_INVALID: "InvalidArgument",

  // volumes
  VOLUME_NOT_FOUND: "NotFound",
  VOLUME_EXISTS: "AlreadyExists",
  VOLUME_IN_USE: "FailedPrecondition",
  VOLUME_INVALID: "InvalidArgument",
  VOLUME_CONFLICT: "FailedPrecondition",

  // groups
  GROUP_TAKEN: "AlreadyExists",
  GROUP_RUNNING: "FailedPrecondition",
  INIT_FAILED: "FailedPrecondition",
  APPLY_REFUSED: "FailedPrecondition",

  // containers
  CONTAINER_NOT_FOUND: "NotFound",
  CONTAINER_AMBIGUOUS: "InvalidArgument",
  CONTAINER_NAME_TAKEN: "AlreadyExists",
  CONTAINER_RUNNING: "FailedPrecondition",
  CONTAINER_FOREIGN: "FailedPrecondition",
  CREATE_FAILED: "FailedPrecondition",
  START_FAILED: "FailedPrecondition",
  RECORD_CORRUPT: "Internal",
  LOG_UNAVAILABLE: "FailedPrecondition",
  LOG_ARCHIVE_FAILED: "FailedPrecondition",
  CONTAINER_NOT_RUNNING: "FailedPrecondition",
  COPY_FAILED: "FailedPrecondition",
  PAUSE_UNSUPPORTED: "Unimplemented",
  STDIN_TAKEN: "Unavailable",
  EXEC_FAILED: "FailedPrecondition",
  HEALTH_UNCHECKED: "FailedPrecondition",
  CONTAINER_UNHEALTHY: "FailedPrecondition",

  // tasks (TASK_UNKNOWN is below: doors raise it, too)
  TASK_INVALID: "InvalidArgument",
  TASK_EXISTS: "AlreadyExists",
  TASK_NOT_FOUND: "NotFound",
  TASKS_FULL: "ResourceExhausted",
  TASK_EXPIRED: "DeadlineExceeded",
  TASK_INTERRUPTED: "FailedPrecondition",
  TASK_FAILED: "FailedPrecondition",
  JOURNAL_NEWER: "FailedPrecondition",

  // daemon
  DAEMON_RUNNING: "FailedPrecondition",
  DAEMON_UNREACHABLE: "Unavailable",
  SOCKET_FAILED: "FailedPrecondition",
  API_UNKNOWN: "Unimplemented",

  // messages and the tasks they ask for
  MESSAGE_INVALID: "InvalidArgument",
  MESSAGE_TOO_LARGE: "InvalidArgument",
  MESSAGE_VERSION: "Unimplemented",
  MESSAGE_MISROUTED: "InvalidArgument",
  TASK_UNKNOWN: "Unimplemented",
  TASK_UNSUPPORTED: "Unimplemented",
  TASK_PARAMS_INVALID: "InvalidArgument",
} as const satisfies Record<string, ErrorClass>;

export type ErrorCode = keyof typeof ERROR_CODES;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
