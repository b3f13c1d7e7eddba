import { expect, test } from "bun:test";
import { join } from "node:path";
import { z } from "zod";

/** A process of its own, whose limit is low: two faults that are asked for in one turn of the loop. */
const TWO_FAULTS = `
  import { readdirSync } from "node:fs";
  import { fds } from ${JSON.stringify(join(import.meta.dir, "fds.ts"))};
  const order = (count) => fds.order({ kind: "fds", count }, {});
  const start = (count) => {
    const controller = new AbortController();
    const { promise: applied, resolve } = Promise.withResolvers();
    const { signal } = controller;
    const over = order(count).inject({ signal, applied: resolve, measureBy() {}, random: () => 0 });
    return { applied, async end() { controller.abort(); await over.catch(() => {}); } };
  };
  const mostOf = () => {
    try { order(10_000); } catch ({ message }) { return Number(/up to (\\d+)/.exec(message)[1]); }
  };
  const open = () => readdirSync("/proc/self/fd").length;
  const before = { open: open(), most: mostOf() };
  const first = start(300);
  const during = mostOf();
  await first.applied;
  const applied = { open: open(), most: mostOf() };
  await first.end();
  const early = start(300);
  await early.end();
  console.log(JSON.stringify({ before, during, applied, after: { open: open(), most: mostOf() } }));
`;

const State = z.object({ open: z.number(), most: z.number() });
const Report = z.object({ before: State, during: z.number(), applied: State, after: State });

test.skipIf(process.platform !== "linux")(
  "descriptors that are promised to one fault are not promised to the next",
  async () => {
    const limited = ["-c", 'ulimit -n 500; exec "$0" -e "$1"', process.execPath, TWO_FAULTS];
    const child = Bun.spawn(["sh", ...limited], { stdout: "pipe" });
    const { before, during, applied, after } = Report.parse(
      JSON.parse(await new Response(child.stdout).text()),
    );
    expect(before.most).toBeWithin(350, 400);
    expect(during).toBe(before.most - 300);
    expect(applied).toEqual({ open: before.open + 300, most: before.most - 300 });
    expect(after).toEqual(before);
  },
);
