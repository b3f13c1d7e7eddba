/** B9: a journal that cannot be written costs one incident, one diagnosis and one line, and what waited goes on. */

import { Database } from "bun:sqlite";
import { expect, setDefaultTimeout, test } from "bun:test";
import { type Event, runToEnd, sentinelBinary, startProcess } from "../support/binary.ts";
import { describeUnless } from "../support/docker.ts";
import { clientOf } from "../target/target.ts";
import { freePort } from "../support/free-port.ts";
import { freshJournal } from "../support/fresh-journal.ts";
import { embeddedSettings } from "../support/observing.ts";

setDefaultTimeout(180_000);

/** So many polls, at each of which there used to be another incident. */
const POLLS = 15;
const POLL_MS = 1000;
const BACK_DEADLINE_MS = 90_000;

const missing =
  Bun.which("prlimit") === null ? "`prlimit` is not on the PATH (util-linux)" : undefined;

/** A service under Sentinel's own supervisor that holds too much memory on demand. */
function startSick() {
  const url = `http://127.0.0.1:${freePort()}`;
  const journal = freshJournal();
  const env = embeddedSettings({
    SUPERVISE: `'${sentinelBinary()}' --role=target`,
    PORT: new URL(url).port,
    TARGET_URL: url,
    MEMORY_THRESHOLD_BYTES: String(250 * 1024 * 1024),
    JOURNAL: journal,
  });
  // The system then refuses a file that is too long as it refuses one on a full disk.
  const argv = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", sentinelBinary(), "--role=observer"];
  const observer = startProcess(argv, { cwd: "/", env });
  const ofType = (type: string): readonly Event[] =>
    observer.events().filter(({ event }) => event === type);
  return {
    observer,
    journal,
    ofType,
    /** No file of the observer may be longer: a full disk, for one process alone. */
    limitFiles(bytes: number | "unlimited") {
      const soft = `--fsize=${bytes}:`;
      const { success, stderr } = Bun.spawnSync(["prlimit", `--pid=${observer.pid}`, soft]);
      if (!success) throw new Error(stderr.toString());
    },
    async fallIll() {
      await observer.event(
        ({ event, text }) => event === "notice" && /runs as process/.test(String(text)),
      );
      await Bun.sleep(3 * POLL_MS);
      await clientOf(url).post({ kind: "memory", megabytes: 300, duration: 150 });
    },
    /** What the journal has of its incidents. */
    async incidents(): Promise<string> {
      const { stdout } = await runToEnd([sentinelBinary(), "incidents"], {
        env: { JOURNAL: journal },
        cwd: "/",
      });
      return stdout;
    },
    [Symbol.asyncDispose]: () => observer[Symbol.asyncDispose](),
  };
}

const isType = (type: string) => (one: Event) => one["event"] === type;

describeUnless(missing, "B9", () => {
  test("B9: with a full disk there is one incident, whose action waits until there is room", async () => {
    await using sick = startSick();
    const { observer, ofType } = sick;
    await observer.event(isType("quiet"));
    sick.limitFiles(4096);
    await sick.fallIll();
    await observer.event(isType("diagnosed"));
    await Bun.sleep(POLLS * POLL_MS);
    for (const type of ["incident_opened", "diagnosed", "decided", "left_alone", "journal_down"])
      expect([type, ofType(type).length]).toEqual([type, 1]);
    expect(ofType("action_started")).toEqual([]);
    const [down] = ofType("journal_down");
    expect(down).toMatchObject({ service: "" });
    expect(String(down?.["reason"])).toMatch(/cannot be read or written.*See whether .* has space/);

    sick.limitFiles("unlimited");
    const closed = await observer.event(isType("incident_closed"), BACK_DEADLINE_MS);
    expect(closed).toMatchObject({ closing: { result: "acted", verdict: { kind: "healed" } } });
    expect([ofType("incident_opened").length, ofType("diagnosed").length]).toEqual([1, 1]);
    expect([ofType("journal_down").length, ofType("journal_back").length]).toEqual([1, 1]);
    expect(await sick.incidents()).toContain("HighMemory");
  });

  test("B9: a disk that fills while an action runs costs neither the verdict nor what is remembered", async () => {
    await using sick = startSick();
    const { observer, ofType } = sick;
    await observer.event(isType("quiet"));
    await sick.fallIll();
    await observer.event(isType("action_started"));
    sick.limitFiles(4096);
    const closed = await observer.event(isType("incident_closed"), BACK_DEADLINE_MS);
    expect(closed).toMatchObject({ closing: { result: "acted", verdict: { kind: "healed" } } });
    // The one loop that there is says so at its next poll.
    await observer.event(isType("journal_down"), BACK_DEADLINE_MS);
    expect(ofType("journal_down")).toHaveLength(1);
    sick.limitFiles("unlimited");
    await observer.event(isType("journal_back"), BACK_DEADLINE_MS);
    expect(await sick.incidents()).toMatch(/HighMemory.*healed/i);
  });

  test("B9: a journal that another process locks holds up nothing but actions", async () => {
    await using sick = startSick();
    const { observer, ofType } = sick;
    await observer.event(isType("quiet"));
    const { text } = await observer.event(({ topic }) => topic === "health");
    const health = `${new URL(String(text).split(" ")[0] ?? "").origin}/health`;
    const shell = new Database(sick.journal);
    shell.run("BEGIN IMMEDIATE");
    await sick.fallIll();
    await observer.event(isType("journal_down"));
    const tookMs: number[] = [];
    for (let asked = 0; asked < 60; asked += 1) {
      const fromMs = performance.now();
      await fetch(health);
      tookMs.push(performance.now() - fromMs);
      await Bun.sleep(100);
    }
    // A lock is waited for now and then, and not for 2 s by each that asks.
    tookMs.sort((a, b) => a - b);
    expect(tookMs[Math.floor(tookMs.length * 0.8)]).toBeLessThan(250);
    expect(String(ofType("journal_down")[0]?.["reason"])).toContain("locked by another process");
    shell.close();
    const closed = await observer.event(isType("incident_closed"), BACK_DEADLINE_MS);
    expect(closed).toMatchObject({ closing: { result: "acted", verdict: { kind: "healed" } } });
    expect(ofType("incident_opened")).toHaveLength(1);
  });
});
