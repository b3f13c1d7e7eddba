/** How one fault is shown: active with its time counting down, or over. */

import type { FaultView } from "../fault.ts";
import { drawsLots } from "./api.ts";
import { make, makeButton } from "./dom.ts";

export interface ActiveRow {
  readonly kind: string;
  readonly element: HTMLElement;
  update(fault: FaultView): void;
  /** Shows the time left, which is counted here between polls. */
  tick(): void;
}

/** The count is set right when it is off by more: an answer takes its time, and so does a page asleep. */
const OFF_BY_MS = 500;

export function createActiveRow(fault: FaultView, stop: () => void): ActiveRow {
  const left = make("span", "left");
  const effect = make("span");
  const ratio = make("span", "ratio");
  const effectBar = make("div", "bar effect-bar");
  const timeBar = make("div", "bar time-bar");
  const element = make(
    "li",
    "fault",
    make(
      "div",
      "line",
      make("strong", "kind", fault.kind),
      left,
      makeButton("Stop", `Stop ${fault.kind}`, stop),
    ),
    make("p", "plan", planOf(fault)),
    make("div", "line effect", effect, ratio),
    effectBar,
    timeBar,
  );
  // How long it takes is not always known; then both times are the same.
  const totalMs = Date.parse(fault.ends_at) - Date.parse(fault.started_at);
  let endMs = 0;
  const tick = () => {
    const leftMs = Math.max(0, endMs - performance.now());
    left.textContent = totalMs > 0 ? timeLeft(leftMs) : "until it is done";
    timeBar.style.setProperty("--share", String(totalMs > 0 ? leftMs / totalMs : 0));
  };
  return {
    kind: fault.kind,
    element,
    update(now) {
      const newEndMs = performance.now() + now.remaining_s * 1000;
      if (Math.abs(newEndMs - endMs) > OFF_BY_MS) endMs = newEndMs;
      effect.textContent = effectOf(now);
      ratio.textContent = ratioOf(now);
      const share = Math.min(1, Math.max(0, now.effect_ratio ?? 0));
      effectBar.style.setProperty("--share", String(share));
      tick();
    },
    tick,
  };
}

export function createRecentRow(fault: FaultView): HTMLElement {
  const { kind, state, reason, ends_at } = fault;
  const time = make("time", "", new Date(ends_at).toLocaleTimeString([], { hourCycle: "h23" }));
  time.dateTime = ends_at;
  const how = [state, ...(reason === undefined || isPlain(reason) ? [] : [reason])].join(": ");
  return make(
    "li",
    "fault",
    make("div", "line", make("strong", "kind", kind), make("span", `state ${state}`, how), time),
    make(
      "div",
      "line effect",
      make("span", "", effectOf(fault)),
      make("span", "ratio", ratioOf(fault)),
    ),
  );
}

/** Whether the state already says it. */
function isPlain(reason: string): boolean {
  return reason === "expired" || reason === "deleted";
}

function planOf({ plan, seed }: FaultView): string {
  const parameters = Object.entries(plan).filter(([name]) => name !== "kind" && name !== "seed");
  const lots = drawsLots(Object.keys(plan)) ? [["seed", seed]] : [];
  return [...parameters, ...lots]
    .map(([name, value]) => `${name}\u00a0${briefly(value)}`)
    .join("\u00a0· ");
}

function briefly(value: unknown): string {
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function effectOf({ requested, measured, unit }: FaultView): string {
  const asked = `${rounded(requested)} ${unit}`;
  return measured === null ? `${asked}, not measured` : `${rounded(measured)} of ${asked}`;
}

function ratioOf({ effect_ratio }: FaultView): string {
  return effect_ratio === null ? "" : `ratio ${effect_ratio.toFixed(2)}`;
}

function rounded(value: number): string {
  return value.toLocaleString("en", { maximumFractionDigits: Math.abs(value) < 10 ? 3 : 1 });
}

function timeLeft(leftMs: number): string {
  const seconds = Math.ceil(leftMs / 1000);
  if (seconds === 0) return "ending";
  if (seconds < 60) return `${seconds} s left`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} min left`;
}
