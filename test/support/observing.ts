/** The observer from the compiled executable, in embedded mode, and what it tells. */

import { expect } from "bun:test";
import { z } from "zod";
import type { Environment } from "../../src/platforms/run-command.ts";
import {
  type Event,
  type RunningProcess,
  sentinelBinary,
  type StartOptions,
  startProcess,
} from "./binary.ts";
import { freshJournal } from "./fresh-journal.ts";
import { faultsOfLine } from "./json-schema.ts";

/** As short as is sound: a window of 4 s, and a verdict after it. */
const EMBEDDED: Environment = {
  PROMETHEUS_URL: "embedded",
  OBSERVER_PORT: "0",
  POLL_INTERVAL: "1",
  STABILIZE_SECONDS: "4",
  COOLDOWN_SECONDS: "0",
  LOCAL_MODELS: "none",
  LOG_FORMAT: "json",
  // Containers of this machine's user, or of another run, are not for a test to restart.
  HEAL_LABEL: `sentinel.test=${crypto.randomUUID()}`,
};

const INCIDENT_DEADLINE_MS = 120_000;

const seriesSchema = z.object({
  metric: z.record(z.string(), z.string()),
  value: z.tuple([z.number(), z.string()]),
});
const QUERY_PATIENCE_MS = 15_000;
const answerSchema = z.object({ data: z.object({ result: z.array(seriesSchema) }) });

export interface Observing extends RunningProcess {
  /** Resolves with the text of the first notice on that topic that matches, seen already or to come. */
  notice(topic: string, matches?: RegExp): Promise<string>;
  /** Resolves with the incident's events once it is closed; the first one of the service and alert, or of any of these. */
  incident(alert: string | readonly string[], service?: string): Promise<readonly Event[]>;
  /** What the API answers: each series' labels and value. */
  query(
    expr: string,
  ): Promise<readonly { metric: Readonly<Record<string, string>>; value: number }[]>;
}

/** Who scrapes a service, who probes it and its engine see that it is down: the first has the one incident. */
export const OUTAGE = ["TargetDown", "ProbeFailing", "ContainerDown"] as const;

/** The settings of all that is started here, with those given on top; each time with a journal of its own. */
export function embeddedSettings(env: Environment = {}): Environment {
  return { ...EMBEDDED, JOURNAL: freshJournal(), ...env };
}

/**
 * At its end, each line that it has logged is held to `docs/json.schema.json`.
 *
 * @param options its environment goes on top of `embeddedSettings`; it works in `/`
 */
export function startObserving(options: StartOptions = {}): Observing {
  const env = embeddedSettings(options.env);
  const observer = startProcess([sentinelBinary(), "--role=observer"], {
    cwd: "/",
    ...options,
    env,
  });
  const notice: Observing["notice"] = async (topic, matches = /./) => {
    const found = await observer.event(
      ({ event, topic: about, text }) =>
        event === "notice" && about === topic && matches.test(String(text)),
    );
    return String(found["text"]);
  };
  return {
    ...observer,
    notice,
    async incident(alert, service) {
      const isOf = ({ incident, service: of }: Event) =>
        [alert].flat().some((one) => String(incident).includes(`-${one}-`)) &&
        (service ?? of) === of;
      const closed = await observer.event(
        (event) => event["event"] === "incident_closed" && isOf(event),
        INCIDENT_DEADLINE_MS,
      );
      const { incident, service: of } = closed;
      return observer
        .events()
        .filter((one) => one["incident"] === incident && one["service"] === of);
    },
    async query(expr) {
      const [url] = (await notice("series")).split(", ");
      const asked = `${url}/query?query=${encodeURIComponent(expr)}`;
      const untilMs = performance.now() + QUERY_PATIENCE_MS;
      let response = await fetch(asked);
      // On a busy machine the time of a query may be over before it has begun.
      while (response.status === 503 && performance.now() < untilMs) response = await fetch(asked);
      const text = await response.text();
      if (!response.ok) throw new Error(`${expr} is answered with ${response.status}: ${text}`);
      const { data } = answerSchema.parse(JSON.parse(text));
      return data.result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async [Symbol.asyncDispose]() {
      await observer[Symbol.asyncDispose]();
      for (const line of observer.events()) {
        const faults = faultsOfLine(line);
        if (faults !== "") throw new Error(`${JSON.stringify(line)}:\n${faults}`);
      }
    },
  };
}

/** The events of an incident of a container that `docker restart` has healed. */
export function expectRestarted(events: readonly Event[], name: string): void {
  expect(events).toContainEqual(
    expect.objectContaining({
      event: "action_finished",
      outcome: expect.objectContaining({ kind: "succeeded", argv: ["docker", "restart", name] }),
    }),
  );
  expect(events.at(-1)).toMatchObject({
    closing: { result: "acted", verdict: { kind: "healed" } },
  });
}
