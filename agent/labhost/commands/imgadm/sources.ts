// imgadm sources (imgadm.md 3.1). The lab has no network: pings fail, so `-a` needs `-f`.
import type { CommandContext } from "../../command.ts";
import { loadConfig, saveConfig, sourcesOf, type Source } from "./config.ts";
import { ImgadmError, usageError } from "./errors.ts";
import { HELP, parseOptions, type ParsedOptions } from "./options.ts";
import { formatTable } from "./table.ts";

const NO_NETWORK = "Error: connect ENETUNREACH";

export async function sources(context: CommandContext, args: readonly string[]): Promise<number> {
  const options = parseOptions(args, [
    HELP,
    { names: ["-v", "--verbose"] },
    { names: ["-j", "--json"] },
    { names: ["-a"], takesValue: true },
    { names: ["-t"], takesValue: true },
    { names: ["-d"], takesValue: true },
    { names: ["-e"] },
    { names: ["-c", "--check"] },
    { names: ["-k", "--insecure"] },
    { names: ["-f", "--force"] },
    { names: ["--add-docker-hub"] },
  ]);
  if (options.operands.length > 0) throw usageError(`unexpected args: "${options.operands.join(" ")}"`);
  const actions = ["-a", "-d", "-e", "-c"].filter((action) => options.has(action));
  if (actions.length > 1) throw usageError(`cannot use ${actions.join(" and ")} at the same time`);
  if (options.has("--add-docker-hub")) return add(context, options, "https://docker.io", "docker");
  const url = options.value("-a");
  if (url !== undefined) return add(context, options, url, options.value("-t") ?? "imgapi");
  const gone = options.value("-d");
  if (gone !== undefined) return remove(context, gone);
  if (options.has("-e")) throw usageError("the lab host edits no sources in vi: use -a and -d");
  return show(context, options, sourcesOf(await loadConfig(context.lab)));
}

function show(context: CommandContext, options: ParsedOptions, all: readonly Source[]): number {
  const rows = all.map(({ url, type, insecure }) => ({ url, type, ...(insecure === true && { insecure }) }));
  if (options.has("-c")) {
    const checked = rows.map((row) => ({ ...row, ok: false, error: NO_NETWORK }));
    context.out(formatTable(["url", "type", "ok", "error"], checked, true));
  } else if (options.has("-j")) context.out(`${JSON.stringify(rows, null, 2)}\n`);
  else if (options.has("-v")) context.out(formatTable(["url", "type", "insecure"], rows, true));
  else context.out(rows.map(({ url }) => `${url}\n`).join(""));
  return 0;
}

async function add(context: CommandContext, options: ParsedOptions, url: string, type: string): Promise<number> {
  // imgadm forgets to import `format` where it would complain.
  if (type !== "imgapi" && type !== "docker" && type !== "dsapi")
    throw new ImgadmError(undefined, "format is not defined");
  if (type === "docker") checkDockerIndex(url);
  const source: Source = { type, url, ...(options.has("-k") && { insecure: true as const }) };
  const config = await loadConfig(context.lab);
  const all = sourcesOf(config);
  const note = source.insecure === true ? " (insecure)" : "";
  if (all.some((other) => sameSource(other, source))) {
    context.out(`Already have "${type}" image source "${url}"${note}, no change\n`);
    return 0;
  }
  if (!options.has("-f"))
    throw new ImgadmError("SourcePing", `unexpected ping error with "${type}" image source "${url}": ${NO_NETWORK}`);
  await saveConfig(context.lab, { ...config, sources: [...all, source] });
  context.out(`Added "${type}" image source "${url}"${note}\n`);
  return 0;
}

async function remove(context: CommandContext, url: string): Promise<number> {
  const config = await loadConfig(context.lab);
  const all = sourcesOf(config);
  const gone = all.filter((source) => normalise(source.url) === normalise(url));
  if (gone.length === 0) {
    context.out(`Do not have image source "${url}", no change\n`);
    return 0;
  }
  await saveConfig(context.lab, { ...config, sources: all.filter((source) => !gone.includes(source)) });
  for (const source of gone) context.out(`Deleted "${source.type}" image source "${source.url}"\n`);
  return 0;
}

function sameSource(a: Source, b: Source): boolean {
  return (
    normalise(a.url) === normalise(b.url) && a.type === b.type && a.insecure === b.insecure && a.channel === b.channel
  );
}

/** `http://` where there is no scheme; without trailing slash and default port. */
export function normalise(url: string): string {
  const full = /^[a-z]+:\/\//i.test(url) ? url : `http://${url}`;
  if (!URL.canParse(full)) return full;
  const { protocol, host, pathname, search } = new URL(full);
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}${search}`;
}

/** The rules of imgadm.md 7.4 for the URL of a docker source. */
export function checkDockerIndex(url: string): void {
  const match = /^(?:([a-z]+):\/\/)?([^/]*)(\/.*)?$/i.exec(url);
  const [, scheme, host = "", path = ""] = match ?? [];
  const refuse = (why: string): never => {
    throw new ImgadmError(undefined, `invalid index${why}`);
  };
  if (scheme !== undefined && scheme !== "http" && scheme !== "https")
    refuse(` scheme, must be "http" or "https": ${url}`);
  if (host === "") refuse(`, empty host: ${url}`);
  if (!/[.:]/.test(host) && host !== "localhost") refuse(`, "${host}" does not look like a valid host: ${url}`);
  const official = host === "docker.io" || host === "index.docker.io";
  if (path !== "" && path !== "/" && !(host === "index.docker.io" && path === "/v1/"))
    refuse(`, trailing repo: ${url}`);
  if (official && scheme === "http") refuse(`, HTTP to official index is disallowed: ${url}`);
}
