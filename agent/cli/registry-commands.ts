// login, logout, registry ls
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { isRegistryAlone } from "../imgadm/reference.ts";
import { formatBytes } from "../util/units.ts";
import { parseCount, parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, humanAge, safeText, type OutputFormat } from "./output.ts";

const DEFAULT_REGISTRY = "docker.io";

export function addRegistryCommands(program: Command, context: CliContext): void {
  program
    .command("login")
    .description("remember a login for a registry, after trying it")
    .argument("[host]", "registry, e.g. registry.example.com:5000", DEFAULT_REGISTRY)
    .option("-u, --username <name>", "user name; asked for on a terminal")
    .option("--password-stdin", "read the password from stdin", false)
    .action(async (host: string, options: { username?: string; passwordStdin: boolean }) => {
      const login = await askLogin(context, options);
      const { registry, checked } = await context
        .agent()
        .registries.login(host, login, { signal: context.interrupts.signal });
      if (!checked)
        await context.output.err(`${registry} asks nobody for a login; it was saved without being checked\n`);
      await context.output.out(`logged in to ${registry} as ${login.username}\n`);
    });

  program
    .command("logout")
    .description("forget the login for a registry")
    .argument("[host]", "registry", DEFAULT_REGISTRY)
    .action(async (host: string) => {
      const { registry, removed } = await context.agent().registries.logout(host);
      await context.output.out(removed ? `logged out of ${registry}\n` : `not logged in to ${registry}\n`);
    });

  const registry = program.command("registry").description("look into registries");
  registry
    .command("ls")
    .description("list the repositories of a registry, or the tags of a repository")
    .argument("<name>", "HOST, HOST/REPOSITORY or HOST/REPOSITORY:TAG")
    .option("--limit <n>", "tags to look at", parseCount("--limit"), 50)
    .option("-q, --quiet", "names only", false)
    .option("-o, --output <format>", "table, json or yaml", parseFormat, "table")
    .action(async (name: string, options: { limit: number; quiet: boolean; output: OutputFormat }) => {
      await (isRegistryAlone(name) ? listRepositories(context, name, options) : listTags(context, name, options));
    });
}

async function listRepositories(
  context: CliContext,
  host: string,
  { output }: { readonly output: OutputFormat },
): Promise<void> {
  const names = await context.agent().registries.repositories(host, { signal: context.interrupts.signal });
  await context.output.out(
    output === "table" ? names.map((name) => `${safeText(name)}\n`).join("") : formatData(names, output),
  );
}

async function listTags(
  context: CliContext,
  repository: string,
  { limit, quiet, output }: { readonly limit: number; readonly quiet: boolean; readonly output: OutputFormat },
): Promise<void> {
  const { tags, more } = await context
    .agent()
    .registries.tags(repository, { limit, signal: context.interrupts.signal });
  const now = Date.now();
  if (output !== "table") await context.output.out(formatData(tags, output));
  else if (quiet) await context.output.out(tags.map(({ tag }) => `${safeText(tag)}\n`).join(""));
  else
    await context.output.out(
      formatTable(
        ["TAG", "SIZE", "CREATED", "PLATFORMS", "DIGEST"],
        tags.map(({ tag, size, created, platforms, digest, problem }) => [
          tag,
          size === undefined ? "-" : formatBytes(size),
          created === undefined || Number.isNaN(Date.parse(created))
            ? "-"
            : `${humanAge(now - Date.parse(created))} ago`,
          problem ?? platforms.join(","),
          digest?.slice(0, 19) ?? "-",
        ]),
      ),
    );
  if (more > 0) await context.output.err(`${more} more tag${more === 1 ? "" : "s"}: --limit ${limit + more}\n`);
}

/** The password is never an argument: everybody on the node could read it there. */
async function askLogin(
  context: CliContext,
  options: { readonly username?: string; readonly passwordStdin: boolean },
): Promise<{ username: string; password: string }> {
  if (options.passwordStdin) {
    if (options.username === undefined)
      throw new AgentError("USAGE", "--password-stdin needs --username", {
        hint: "zonelet login -u NAME --password-stdin HOST",
      });
    return { username: options.username, password: (await context.readStdin()).replace(/\r?\n$/, "") };
  }
  const username = options.username ?? (await context.prompt("Username: ", { hidden: false }));
  return { username, password: await context.prompt("Password: ", { hidden: true }) };
}
