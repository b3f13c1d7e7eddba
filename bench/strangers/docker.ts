/** The `docker` command of this machine, for what the bench starts and removes. */

/** Of all that this process starts. */
export const LABEL = `sentinel.strangers=${process.pid}`;

/**
 * @returns standard output, trimmed
 * @throws Error with the command's own words if it fails
 */
export async function docker(...args: readonly string[]): Promise<string> {
  const child = Bun.spawn(["docker", ...args], { stdin: "ignore", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr.trim()}`);
  return stdout.trim();
}

/** Removes what this process has started, wherever it is: for when it is told to end. */
export async function removeAll(): Promise<void> {
  const ours = ["--quiet", "--filter", `label=${LABEL}`];
  const containers = await docker("ps", "--all", ...ours);
  if (containers !== "") await docker("rm", "--force", "--volumes", ...containers.split("\n"));
  const networks = await docker("network", "ls", ...ours);
  if (networks !== "") await docker("network", "rm", ...networks.split("\n"));
}
