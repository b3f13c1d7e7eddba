/** What is seen of a service after an action, until there is a verdict. */

import { isSeriesOf } from "../rules/alert-state.ts";
import { SERVICE_LABEL } from "../core/given-series.ts";
import type { Alert, Evaluation, Verdict } from "../core/model.ts";
import { type Check, judge, type VerificationPlan } from "./verification.ts";
import type { IncidentContext } from "./context.ts";

/** The questions of one check have deadlines: while more time passes than that, the machine sleeps. */
const MAX_CHECK_MS = 10_000;

/** What came of an action. */
interface Aftermath {
  readonly verdict: Verdict;
  /** Whether its health check passed last; `undefined` if it was not asked, or there is none. */
  readonly isHealthy: boolean | undefined;
}

/**
 * Watches until there is a verdict; on what is seen after the action alone.
 *
 * @param actedAtMs when the action had ended
 */
export async function verify(
  { alert, actedAtMs }: { readonly alert: Alert; readonly actedAtMs: number },
  context: IncidentContext,
  signal: AbortSignal,
): Promise<Aftermath> {
  const { policy, serviceContext, emit } = context;
  const { clock } = serviceContext;
  const { pollIntervalMs } = policy;
  const { windowMs } = serviceContext.monitor;
  const stabilizeMs = Math.max(policy.stabilizeMs, windowMs);
  const plan: VerificationPlan = { actedAtMs, windowMs, stabilizeMs };
  emit({ type: "verification_started", verdictInMs: stabilizeMs });
  const checks: Check[] = [];
  let verdict: Verdict | undefined;
  let lastMs = clock.nowMs();
  let awakeMs = lastMs;
  while (verdict === undefined && !signal.aborted) {
    const firstDueMs = plan.actedAtMs + stabilizeMs - awakeMs;
    const waitMs = firstDueMs > 0 ? Math.min(pollIntervalMs, firstDueMs) : pollIntervalMs;
    await clock.sleep(waitMs, signal);
    const nowMs = clock.nowMs();
    const passedMs = nowMs - lastMs;
    // While the machine slept, the service was not watched.
    awakeMs += passedMs > waitMs + MAX_CHECK_MS ? waitMs : passedMs;
    lastMs = nowMs;
    checks.push(await check({ alert, atMs: awakeMs }, context, signal));
    verdict = judge(checks, plan);
  }
  const cutShort = { kind: "unknown", reason: "the verification was cut short" } as const;
  return { verdict: verdict ?? cutShort, isHealthy: checks.at(-1)?.healthy };
}

/** @param atMs before the questions: what is asked later can only be newer than that */
async function check(
  { alert, atMs }: { readonly alert: Alert; readonly atMs: number },
  context: IncidentContext,
  signal: AbortSignal,
): Promise<Check> {
  const { policy, serviceContext } = context;
  const [poll, scrapeAgeMs, health] = await Promise.all([
    serviceContext.monitor.poll(signal, { fresh: (rule) => rule === alert.rule }),
    newestScrapeAgeMs(alert.rule.on === "own" ? undefined : policy.service.job, context, signal),
    serviceContext.checkHealth(policy.service),
  ]);
  const evaluation = poll.evaluationOf(alert.rule);
  return { atMs, alert: alertAt(alert, evaluation), scrapeAgeMs, healthy: health?.ok };
}

/** Active if the rule holds for any label set; silent only if this one was measured. */
function alertAt(alert: Alert, evaluation: Evaluation | undefined): Check["alert"] {
  if (evaluation === undefined || evaluation.kind === "no_data") return "no_data";
  if (evaluation.kind === "active") return "active";
  const { measured } = evaluation;
  const isMeasured = measured?.some(({ labels }) => isSeriesOf(alert, labels)) ?? true;
  return isMeasured ? "silent" : "no_data";
}

/** @param job of the service's own metrics; without one, of what its platform and its probe say */
async function newestScrapeAgeMs(
  job: string | undefined,
  { policy, serviceContext }: IncidentContext,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { name } = policy.service;
  const source = job === undefined ? serviceContext.own : serviceContext.source;
  try {
    const seen =
      job === undefined
        ? `{__name__=~"container_up|probe_success",${SERVICE_LABEL}=${JSON.stringify(name)}}`
        : `up{job=${JSON.stringify(job)}}`;
    // The older of the two, if a service has both: a rule may rest on either.
    const expr = `time() - ${job === undefined ? "min" : "max"}(timestamp(${seen}))`;
    const seconds = (await source.query(expr, signal))[0]?.value;
    return seconds === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000;
  } catch {
    // The verdict takes an age that is not known into account.
    return undefined;
  }
}
