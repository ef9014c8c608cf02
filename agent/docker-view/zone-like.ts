// A zone's record, whoever wrote it: vmadm's object, or a head node's record of a VM. Other tools write tags and metadata,
// too, so nothing but the two fields every record has is taken for granted; what has not the form it should have counts
// as absent.
import { z } from "zod";

export interface ZoneLike {
  readonly uuid: string;
  readonly state: string;
  readonly [key: string]: unknown;
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function finite(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Numbers that metadata may hold as text. */
export function count(value: unknown): number | undefined {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : finite(value);
  return number !== undefined && Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** A time the calendar knows, in ISO 8601. */
export function time(value: unknown): Date | undefined {
  const date = new Date(text(value) ?? NaN);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** JSON inside a metadata text; undefined for a text that is none, or not of that shape. */
export function jsonText<T>(value: unknown, shape: z.ZodType<T>): T | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return shape.safeParse(parsed).data;
  } catch {
    return undefined;
  }
}

export const texts = z.array(z.string());
export const ports = z.array(z.int().min(1).max(65535));
export const textMap = z.record(z.string(), z.string());
