/** The fault API as the script of the page speaks it. */

import type { PageSettings } from "../page.ts";
import { byId } from "./dom.ts";

/** The part of a fault that is shown. Times are ISO 8601. */
export interface FaultView {
  readonly id: string;
  readonly kind: string;
  readonly state: "active" | "completed" | "expired" | "cancelled" | "failed";
  readonly plan: Readonly<Record<string, unknown>>;
  readonly seed: number;
  readonly started_at: string;
  readonly ends_at: string;
  /** By the clock of the target, which need not be the one here. */
  readonly remaining_s: number;
  readonly requested: number;
  readonly measured: number | null;
  readonly unit: string;
  readonly effect_ratio: number | null;
  readonly reason?: string;
}

export interface FaultList {
  readonly active: readonly FaultView[];
  readonly recent: readonly FaultView[];
}

/** Why the API did not do it. */
export interface Refusal {
  readonly message: string;
  /** The parameter that is wrong, or `token`. */
  readonly field?: string;
}

/** A target that is silent for longer is said not to answer; `block` does that. */
const ANSWER_WITHIN_MS = 2500;

export const settings: PageSettings = JSON.parse(byId("settings").textContent);
const faultsUrl = new URL("/faults", location.href).href;

/** A fault that draws lots: the same seed hits the same requests. */
export function drawsLots(parameters: readonly string[]): boolean {
  return ["share", "probability", "p50"].some((name) => parameters.includes(name));
}

/** @throws when the target does not answer in time */
export async function listFaults(): Promise<FaultList> {
  const response = await fetch(faultsUrl, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
  if (!response.ok) throw new Error(`GET /faults answered ${response.status}`);
  return response.json();
}

/** What is sent to change something, and who says that it may. */
export interface Order {
  readonly token: string;
  readonly body?: object;
}

/** @returns why not, or nothing when it has started */
export function startFault(order: Order): Promise<Refusal | undefined> {
  return send("POST", faultsUrl, order);
}

/** @returns why not, or nothing when it is over */
export function stopFault(id: string, order: Order): Promise<Refusal | undefined> {
  return send("DELETE", `${faultsUrl}/${encodeURIComponent(id)}`, order);
}

export function stopAllFaults(order: Order): Promise<Refusal | undefined> {
  return send("DELETE", faultsUrl, order);
}

async function send(method: string, url: string, order: Order): Promise<Refusal | undefined> {
  const { token, body } = order;
  const headers = new Headers();
  if (token !== "") headers.set("authorization", `Bearer ${token}`);
  if (body !== undefined) headers.set("content-type", "application/json");
  try {
    const json = body === undefined ? null : JSON.stringify(body);
    const response = await fetch(url, { method, headers, body: json });
    if (response.ok) return undefined;
    const refusal: Refusal = await response.json();
    return response.status === 401 ? { ...refusal, field: "token" } : refusal;
  } catch {
    // It crashed at once, or is blocked: the polls show what comes of it.
    return { message: "The target did not answer." };
  }
}

export function curlToList(): string {
  return `curl ${faultsUrl}`;
}

export function curlToStopAll(): string {
  return `curl ${bearer()}-X DELETE ${faultsUrl}`;
}

export function curlToStart(body: object): string {
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  return `curl ${bearer()}--json '${json}' ${faultsUrl}`;
}

function bearer(): string {
  return settings.tokenRequired ? '-H "Authorization: Bearer $FAULT_TOKEN" ' : "";
}
