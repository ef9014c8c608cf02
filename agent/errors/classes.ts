// What a caller can do about a failure. The list is closed: a new member changes every door (exit codes, replies).

export const ERROR_CLASSES = [
  "InvalidArgument", // fix the request
  "NotFound",
  "AlreadyExists",
  "FailedPrecondition", // the state of the object forbids it
  "ResourceExhausted", // disk, memory, limits
  "Unavailable", // try again later
  "DeadlineExceeded",
  "Cancelled",
  "PermissionDenied",
  "Unimplemented", // cannot work here
  "Internal", // our bug, or words of the platform we do not know
] as const;

export type ErrorClass = (typeof ERROR_CLASSES)[number];

/** Exit status of the command line per class; 2 is also commander's own for wrong usage. See README, "Exit status". */
export const EXIT_STATUS: Readonly<Record<ErrorClass, number>> = {
  InvalidArgument: 2,
  NotFound: 3,
  AlreadyExists: 4,
  FailedPrecondition: 5,
  ResourceExhausted: 6,
  PermissionDenied: 7,
  Unimplemented: 8,
  Unavailable: 75,
  DeadlineExceeded: 75,
  Cancelled: 130,
  Internal: 1,
};
