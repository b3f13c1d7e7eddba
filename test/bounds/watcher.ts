/** The process that asks an observer for its health: `bun watcher.ts URL PID`. A line in gives the worst so far. */

import { residentMb, type Worst } from "./watching.ts";

/** How often `/health` is asked. */
const ASK_EVERY_MS = 25;
/** How finely it is seen that this process itself was held up, by whatever else the machine does. */
const OWN_TICK_MS = 5;
/** An observer that answers so late has failed, whatever it was. */
const GIVEN_UP_MS = 20_000;

const [url = "", pid = ""] = process.argv.slice(2);

/** A server that does nothing else: what it takes to answer is the machine's doing, and nobody's fault. */
const control = Bun.spawn(
  [
    process.execPath,
    "-e",
    `const { port } = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("ok") });
     console.log(port);`,
  ],
  { stdout: "pipe", stderr: "inherit", stdin: "ignore" },
);
process.on("SIGTERM", () => {
  control.kill("SIGKILL");
  process.exit(0);
});
const { value } = await control.stdout.getReader().read();
const controlUrl = `http://127.0.0.1:${new TextDecoder().decode(value).trim()}/`;

async function timed(asked: string): Promise<number> {
  const startedMs = performance.now();
  const answer = await fetch(asked, { signal: AbortSignal.timeout(GIVEN_UP_MS) });
  await answer.arrayBuffer();
  return performance.now() - startedMs;
}

let slowestMs = 0;
let mostMb = 0;
let ask: { readonly sinceMs: number; ownLateMs: number } | undefined;

let tickedMs = performance.now();
setInterval(() => {
  const nowMs = performance.now();
  if (ask !== undefined) ask.ownLateMs += Math.max(0, nowMs - tickedMs - 2 * OWN_TICK_MS);
  tickedMs = nowMs;
}, OWN_TICK_MS);

/** What the observer has taken to answer, without the time in which this process did not run. */
const waitedMs = () => (ask === undefined ? 0 : performance.now() - ask.sinceMs - ask.ownLateMs);

process.stdin.on("data", () => {
  const worst: Worst = { slowestMs: Math.max(slowestMs, waitedMs()), mostMb };
  process.stdout.write(`${JSON.stringify(worst)}\n`);
  slowestMs = 0;
  mostMb = 0;
});

for (;;) {
  ask = { sinceMs: performance.now(), ownLateMs: 0 };
  const [tookMs, controlMs] = await Promise.all([timed(`${url}/health`), timed(controlUrl)]);
  slowestMs = Math.max(slowestMs, tookMs - Math.max(ask.ownLateMs, controlMs));
  ask = undefined;
  mostMb = Math.max(mostMb, residentMb(Number(pid)));
  await Bun.sleep(ASK_EVERY_MS);
}
