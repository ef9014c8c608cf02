// The foreign formats that are read; the first whose keys fit decides.
import type { Format } from "./format.ts";

export const FOREIGN_FORMATS: readonly Format[] = [];
