/** `$(NAME)` by the container's variables; what is unknown stays, `$$` is a dollar sign (container-specs.md 5). */
export function expand(text: string, variables: Readonly<Record<string, string>>): string {
  return text.replace(/\$(?:\$|\(([^()]*)\))/g, (found: string, name: string | undefined) => {
    if (name === undefined) return "$";
    return Object.hasOwn(variables, name) ? (variables[name] ?? found) : found;
  });
}
