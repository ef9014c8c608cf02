const ARCHITECTURES: Readonly<Record<string, string>> = {
  amd64: "amd64",
  x86_64: "amd64",
  "x86-64": "amd64",
  "386": "386",
  i386: "386",
};

/** Why `os[/arch[/variant]]` cannot run in an LX zone, or undefined when it can. */
export function unsupportedPlatform(text: string): string | undefined {
  const [os = "", arch, variant, ...rest] = text.toLowerCase().split("/");
  if (os === "linux" && rest.length === 0) {
    if (arch === undefined) return undefined;
    const known = ARCHITECTURES[arch];
    // Other variants of amd64 need CPUs this node may not have.
    if (known !== undefined && (variant === undefined || (known === "amd64" && variant === "v1"))) return undefined;
  }
  return `the platform ${JSON.stringify(text)} cannot be run here; linux/amd64 and linux/386 can`;
}
