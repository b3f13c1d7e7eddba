/**
 * Stands in for Sentinel, from source or compiled: supervises the command of its arguments, the
 * service's name first, and waits to be killed.
 */

if (process.argv[2] === "guardian" && process.send)
  await import("../../src/platforms/process/guardian.ts");
else await superviseArguments();

async function superviseArguments(): Promise<void> {
  const { createSupervisor } = await import("../../src/platforms/process/supervisor.ts");
  const { systemClock } = await import("../../src/observer/system-clock.ts");
  const [name = "", ...argv] = process.argv.slice(2);
  const supervisor = createSupervisor({
    name,
    argv,
    graceMs: 300,
    settleMs: 0,
    clock: systemClock,
  });
  await supervisor.start();
  console.log(JSON.stringify({ event: "running", pid: supervisor.status().pid }));
  await new Promise(() => setInterval(() => {}, 60_000));
}
