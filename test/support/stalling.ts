/** A process under a watchdog that stalls in the way that its argument names. */

import { join } from "node:path";
import { startWatchdog } from "../../src/observer/watchdog/watchdog.ts";

const LIMIT_MS = 500;
const [, , how] = process.argv;

const watchdog = startWatchdog({
  limitMs: LIMIT_MS,
  workerEntry: join(import.meta.dir, "../../src/observer/watchdog/worker.ts"),
  onStall(why) {
    console.error(`sentinel: ${why}.`);
    process.exit(1);
  },
});
const loop = watchdog.join("the loop");
// Nobody would see what it does before the other thread is there.
await Bun.sleep(200);
console.log("running");

if (how === "blocks") Bun.sleepSync(30_000);
if (how === "spins") for (;;);
if (how === "waits") await new Promise(() => {});
if (how === "leaves") loop.leave();
for (let step = 0; step < 20; step += 1) {
  if (how === "beats") loop.beat();
  await Bun.sleep(100);
}
await watchdog[Symbol.asyncDispose]();
console.log("done");
