import type { SpecWarning } from "../spec/problem.ts";

/** `web.yaml:3:1 volumes[0]: message (hint)` */
export function formatWarning(warning: SpecWarning): string {
  const where = warning.where === undefined ? "" : `${warning.where} `;
  const path = warning.path === "" ? "" : `${warning.path}: `;
  return `${where}${path}${warning.message}${warning.hint === undefined ? "" : ` (${warning.hint})`}`;
}
