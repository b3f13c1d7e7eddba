import { describe, expect, test } from "bun:test";
import { join } from "node:path";

const LOG = JSON.stringify(join(import.meta.dir, "log.ts"));

/** A process of its own: what is tested is what comes out of descriptor 1. */
function start(script: string) {
  const code = `import { createLog, print, printError } from ${LOG};\n${script}`;
  return Bun.spawn([process.execPath, "-e", code], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
}

async function run(script: string) {
  const child = start(script);
  child.stdin.end();
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

describe("an event", () => {
  test("is one JSON object a line: event, level, logger, timestamp, then its own", async () => {
    const fromMs = Date.now();
    const { stdout } = await run(`
      const log = createLog({ name: "sentinel.test" });
      log.event("info", "started", { url: "http://a", n: 1, list: [null], none: undefined });
      log.event("warning", "bare");
      log.event("error", "empty", {});`);
    const [first = "", second = "", third = "", ...rest] = stdout.split("\n");
    expect(rest).toEqual([""]);
    const time = /"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"/;
    expect(first.replace(time, "TIME")).toBe(
      '{"event":"started","level":"info","logger":"sentinel.test",TIME,"url":"http://a","n":1,"list":[null]}',
    );
    expect(second.replace(time, "TIME")).toBe(
      '{"event":"bare","level":"warning","logger":"sentinel.test",TIME}',
    );
    expect(third.replace(time, "TIME")).toBe(
      '{"event":"empty","level":"error","logger":"sentinel.test",TIME}',
    );
    const atMs = Date.parse(time.exec(first)?.[1] ?? "");
    expect(atMs).toBeGreaterThanOrEqual(fromMs);
    expect(atMs).toBeLessThanOrEqual(Date.now());
  });

  test("stays one line whatever is in it", async () => {
    const odd = 'a"b\\\n\r\u2028\u0000\ud800 }{,';
    const { stdout } = await run(`
      const odd = ${JSON.stringify(odd)};
      createLog({ name: odd }).event("info", odd, { [odd]: odd });`);
    expect(stdout.split("\n")).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({ event: odd, logger: odd, [odd]: odd });
  });

  test("has no character that a terminal obeys or a reader does not see", async () => {
    const text = "\u007f\u009b31m\u202eabc\u2066\u200b\ufeff\u2028\u{e0041}\u00ad é 测 😀";
    const { stdout } = await run(`
      createLog({ name: "a" }).event("info", "b", { text: ${JSON.stringify(text)} });`);
    expect(stdout.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
    expect(stdout).toContain("\\u009b31m\\u202eabc");
    expect(stdout).toContain("é 测 😀");
    expect(JSON.parse(stdout)).toMatchObject({ text });
  });
});

describe("the buffer", () => {
  test("keeps every line whole and in order around its 64 KiB, in texts of 1 to 4 bytes", async () => {
    // Lengths in UTF-16 units around what fits (a third of 64 KiB, as 3 bytes may be needed).
    const lengths = [
      1, 21_600, 21_700, 21_845, 21_846, 1, 40_000, 64_000, 65_536, 70_000, 2, 300_000,
    ];
    const expected = ["x", "é", "€", "😀"].flatMap((character) =>
      lengths.map((length) => `${character.repeat(Math.ceil(length / character.length))}`),
    );
    const { stdout, exitCode } = await run(`
      const log = createLog({ name: "n", bufferMs: 60_000 });
      for (const character of ["x", "é", "€", "😀"])
        for (const length of ${JSON.stringify(lengths)})
          log.event("info", "e", { text: character.repeat(Math.ceil(length / character.length)) });
      log.flush();`);
    expect(exitCode).toBe(0);
    const texts = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).text);
    // Not `toEqual` on all at once: a difference would print megabytes.
    expect(texts.map((text: string) => text.length)).toEqual(expected.map((text) => text.length));
    expect(texts.every((text: string, index: number) => text === expected[index])).toBe(true);
  });

  test("every position of the last byte within the buffer is right", async () => {
    const { stdout } = await run(`
      const log = createLog({ name: "n", bufferMs: 60_000 });
      for (let length = 0; length < 3000; length += 7) log.event("info", "e", { text: "€".repeat(length) });
      log.flush();`);
    const lengths = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).text.length);
    expect(lengths).toEqual(Array.from({ length: 429 }, (_, index) => index * 7));
  });

  test("holds lines back until it is flushed, and writes each at once without a time", async () => {
    const { stdout } = await run(`
      const buffered = createLog({ name: "buffered", bufferMs: 60_000 });
      buffered.event("info", "second");
      createLog({ name: "direct" }).event("info", "first");
      buffered.flush();
      buffered.flush();`);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event);
    expect(events).toEqual(["first", "second"]);
  });

  test("empties itself after its time, and keeps no process alive", async () => {
    const { stdout, exitCode } = await run(`
      createLog({ name: "n", bufferMs: 10 }).event("info", "e");
      await Bun.sleep(500);`);
    expect(JSON.parse(stdout).event).toBe("e");
    expect(exitCode).toBe(0);
  });
});

describe("the reader", () => {
  test("may be slow: what does not fit into the pipe is not lost", async () => {
    const child = start(`
      const log = createLog({ name: "n", bufferMs: 60_000 });
      for (let n = 0; n < 20_000; n += 1) log.event("info", "e", { n, text: "x".repeat(100) });
      log.flush();
      printError("done");`);
    await Bun.sleep(300);
    const numbers = (await new Response(child.stdout).text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).n);
    expect(numbers).toHaveLength(20_000);
    expect(numbers.every((n, index) => n === index)).toBe(true);
    expect(await new Response(child.stderr).text()).toBe("done\n");
  });

  test("may leave: the work goes on", async () => {
    const child = start(`
      const log = createLog({ name: "n" });
      log.event("info", "first");
      for await (const _ of Bun.stdin.stream()) break;
      for (let n = 0; n < 100; n += 1) log.event("info", "e", { text: "x".repeat(10_000) });
      print("nobody reads this");
      printError("still here");`);
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    child.stdin.write("go on\n");
    await child.stdin.end();
    expect(await new Response(child.stderr).text()).toBe("still here\n");
    expect(await child.exited).toBe(0);
  });
});

test("lines for people go to standard output, or error, as they are", async () => {
  expect(await run(`print("a\\nü €"); printError("b"); print("");`)).toEqual({
    stdout: "a\nü €\n\n",
    stderr: "b\n",
    exitCode: 0,
  });
});
