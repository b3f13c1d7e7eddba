/** What the probes of services give at a poll, as series named as the blackbox exporter's. */

import type { GivenSample, ServiceSeries } from "../../core/given-series.ts";
import { isProbed } from "../../core/health.ts";
import type { Service } from "../../core/model.ts";
import type { ProbeAnswer } from "./probe.ts";
import { probe } from "./probes.ts";

/** Beyond it a service that hangs would hold up what others say for longer than a scrape may take. */
const MAX_DEADLINE_MS = 3000;
/** Of a scrape: the rest is for what is made of the answers. */
const DEADLINE_SHARE = 0.8;
/** With less of the time that others had, a service that is only slow would be called sick. */
const LEAST_SHARE = 0.5;
/** Connections that stand at the same time. */
const AT_ONCE = 100;

interface ProbesQuestion {
  readonly services: readonly Pick<Service, "name" | "health">[];
  /** Of all of them together. */
  readonly deadlineMs: number;
}

/** Each service once, over one connection; one for which there was no time left says nothing. */
export async function probeSeries(
  { services, deadlineMs }: ProbesQuestion,
  abort: AbortSignal,
): Promise<readonly ServiceSeries[]> {
  const each = Math.min(MAX_DEADLINE_MS, deadlineMs * DEADLINE_SHARE);
  const untilMs = performance.now() + deadlineMs * DEADLINE_SHARE;
  const waiting = services.values();
  const told: ServiceSeries[] = [];
  const work = async () => {
    for (const { name, health } of waiting) {
      if (!isProbed(health)) continue;
      const startedMs = performance.now();
      const leftMs = Math.min(each, untilMs - startedMs);
      if (leftMs < each * LEAST_SHARE) return;
      const answer = await probe(health, { deadlineMs: leftMs, abort });
      if (abort.aborted) return;
      const durationS = (performance.now() - startedMs) / 1000;
      told.push({ service: name, samples: samplesOf(answer, durationS) });
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, services.length) }, work));
  return told;
}

/** @see https://github.com/prometheus/blackbox_exporter */
function samplesOf(
  { ok, statusCode, certificateExpiresAtMs }: ProbeAnswer,
  durationS: number,
): readonly GivenSample[] {
  const values = {
    probe_success: Number(ok),
    probe_duration_seconds: durationS,
    probe_http_status_code: statusCode,
    probe_ssl_earliest_cert_expiry: certificateExpiresAtMs && certificateExpiresAtMs / 1000,
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, labels: {}, value }],
  );
}
