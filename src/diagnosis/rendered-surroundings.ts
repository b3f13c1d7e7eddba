/** How what is known around an alert is told to a model: each part within a budget, and what is left out counted. */

import type { SignalHistory, Surroundings } from "../core/evidence.ts";
import { isoTime, span } from "../text/time.ts";
import { fitting, type Show } from "./rendered-log.ts";

/** Of the parts, in bytes. */
const BUDGET_BYTES = {
  timeline: 3000,
  traffic: 1200,
  changes: 1800,
  neighbours: 1200,
  former: 1200,
} as const;

const VALUES_TOLD = 15;

export function renderSurroundings(
  { timeline, traffic, limits, changes, neighbours, former }: Surroundings,
  show: Show,
): string[] {
  const [nowMs, onsetMs] = [timeline?.toMs, timeline?.onsetMs];
  return [
    ...renderTimeline(timeline, show),
    ...(limits === undefined ? [] : [`limits: ${limitsOf(limits)}`]),
    ...renderTraffic(traffic, show),
    ...part({
      title: "what was done to it in the last day",
      lines: changes?.told.map(({ atMs, what }) => `${relative(atMs, onsetMs ?? nowMs)}: ${what}`),
      leftOut: changes?.leftOut ?? 0,
      budgetBytes: BUDGET_BYTES.changes,
      newestLast: true,
      show,
    }),
    ...part({
      title: "containers that it may need, or that are sick",
      lines: neighbours?.told.map(
        ({ name, relations, state, sickness, isApart }) =>
          `${name} (${relations.join(", ") || "no known relation"}): ${sickness ?? "well"}, ${state}${isApart ? ", on no network with it" : ""}`,
      ),
      leftOut: neighbours?.leftOut ?? 0,
      budgetBytes: BUDGET_BYTES.neighbours,
      show,
    }),
    ...part({
      title: "its incidents of before",
      lines: former?.map(
        ({ atMs, alert, cause, action, verdict }) =>
          `${relative(atMs, onsetMs ?? nowMs)}: ${alert}; ${cause ?? "no diagnosis"}; ${action ?? "nothing"} was run; ${verdict ?? "no verdict"}`,
      ),
      leftOut: 0,
      budgetBytes: BUDGET_BYTES.former,
      newestLast: true,
      show,
    }),
  ];
}

interface Part {
  readonly title: string;
  /** `undefined` if nobody tells. */
  readonly lines: readonly string[] | undefined;
  readonly leftOut: number;
  readonly budgetBytes: number;
  /** Then the oldest are left out first. */
  readonly newestLast?: true;
  readonly show: Show;
}

function part({ title, lines, leftOut, budgetBytes, newestLast, show }: Part): string[] {
  if (lines === undefined) return [];
  if (lines.length === 0) return [`${title}: none`];
  const shown = lines.map((line) => show(`  ${line}`));
  const kept = newestLast
    ? fitting(shown.toReversed(), budgetBytes).toReversed()
    : fitting(shown, budgetBytes);
  const dropped = lines.length - kept.length + leftOut;
  return [`${title}:`, ...kept, ...(dropped > 0 ? [`  (${dropped} more left out)`] : [])];
}

function relative(atMs: number, toMs: number | undefined): string {
  if (toMs === undefined) return isoTime(atMs) ?? "at some time";
  const beforeMs = toMs - atMs;
  return beforeMs >= 0
    ? `${span(beforeMs)} before the onset`
    : `${span(-beforeMs)} after the onset`;
}

function renderTimeline(timeline: Surroundings["timeline"], show: Show): string[] {
  if (timeline === undefined || timeline.signals.length === 0) return [];
  const { stepMs, toMs, onsetMs, startedAtMs, signals, leftOut } = timeline;
  const length = Math.max(...signals.map(({ values }) => values.length));
  const every = Math.ceil(length / VALUES_TOLD);
  const marks = [
    ...(onsetMs === undefined ? [] : [`onset at -${Math.round((toMs - onsetMs) / 1000)}s`]),
    ...(startedAtMs === undefined ? [] : [`started ${relative(startedAtMs, onsetMs ?? toMs)}`]),
  ];
  const title = `signals on one axis, a value every ${Math.round((stepMs * every) / 1000)}s up to now (0s)`;
  return part({
    title: [title, ...marks].join("; "),
    lines: signals.map((signal) => renderSignal(signal, every)),
    leftOut,
    budgetBytes: BUDGET_BYTES.timeline,
    show,
  });
}

function renderSignal({ name, values, before, now }: SignalHistory, every: number): string {
  const told = values
    .filter((_, at) => (values.length - 1 - at) % every === 0)
    .map((value) => (value === undefined ? "-" : short(value)));
  return `${name}: ${told.join(" ")} (before the onset ${short(before)}, now ${short(now)})`;
}

function renderTraffic(traffic: Surroundings["traffic"], show: Show): string[] {
  if (traffic === undefined) return [];
  const { now, before, routes, leftOut } = traffic;
  return part({
    title: `requests a second: ${short(now)} now, ${short(before)} before the onset; by route and status`,
    lines: routes.map(
      ({ route, status, now: is, before: was }) =>
        `${route || "any route"} ${status || "any status"}: ${short(is)} now, ${short(was)} before`,
    ),
    leftOut,
    budgetBytes: BUDGET_BYTES.traffic,
    show,
  });
}

function limitsOf({
  cpuCores,
  memoryBytes,
  processes,
}: NonNullable<Surroundings["limits"]>): string {
  const memory = memoryBytes === undefined ? "no" : `${Math.round(memoryBytes / 1024 / 1024)} MiB`;
  return `CPU ${cpuCores === undefined ? "no" : `${cpuCores} cores`}, memory ${memory}, processes ${processes ?? "no"}`;
}

function short(value: number | undefined): string {
  return value === undefined ? "missing" : String(Number(value.toPrecision(3)));
}
