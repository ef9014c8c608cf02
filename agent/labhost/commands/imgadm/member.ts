// A member of an archive: attributes from its headers, its bytes.
import { writeSync } from "node:fs";
import type { Extract as Archive, Header } from "tar-stream";

/** The bytes of a member, as tar-stream hands them out. */
export type MemberBody = Archive extends AsyncIterable<infer Member> ? Member : never;

export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch, with fraction. */
  readonly mtime: number;
}

/** tar-stream leaves out an empty one. */
export function linkTarget(linkname: string | null): string {
  return linkname ?? "";
}

/** GNU's sparse formats: an extended header, or a type of its own, which tar-stream does not know. */
export function isSparse(type: string | null, pax: unknown): boolean {
  return type === null || Object.keys(pax ?? {}).some((keyword) => keyword.startsWith("GNU.sparse."));
}

export function attributesOf(header: Header): Attributes {
  const pax = header.pax as Readonly<Record<string, string>> | null | undefined;
  const number = (keyword: string, fallback: number): number => {
    const value = Number(pax?.[keyword] ?? NaN);
    return Number.isFinite(value) ? value : fallback;
  };
  return {
    mode: header.mode & 0o7777,
    uid: number("uid", header.uid),
    gid: number("gid", header.gid),
    mtime: number("mtime", header.mtime.getTime() / 1000),
  };
}

/** `2018-07-17 07:30:00`; the platform's global zone lives in UTC. */
export function tarTime(seconds: number): string {
  const whole = new Date(Math.floor(seconds) * 1000);
  if (Number.isNaN(whole.getTime())) return String(seconds);
  return whole.toISOString().slice(0, 19).replace("T", " ");
}

export function copyBody(body: MemberBody, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    body.on("data", (data) => {
      const chunk = data as Buffer;
      for (let done = 0; done < chunk.length;) done += writeSync(fd, chunk, done);
    });
    body.on("end", resolve);
    body.on("error", reject);
  });
}

export function drain(body: MemberBody): Promise<void> {
  return new Promise((resolve, reject) => {
    body.on("end", resolve);
    body.on("error", reject);
    body.resume();
  });
}
