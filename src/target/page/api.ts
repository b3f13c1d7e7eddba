/** The fault API as the script of the page speaks it. */

import type { FaultView } from "../fault.ts";
import type { PageSettings } from "../page.ts";
import { byId } from "./dom.ts";

export interface FaultList {
  readonly active: readonly FaultView[];
  readonly recent: readonly FaultView[];
}

/** Why the API refused a request. */
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

/**
 * @param token of `FAULT_TOKEN`, empty where none is needed; stopping takes none
 * @returns why not, or nothing when it has started
 */
export function startFault(body: object, token: string): Promise<Refusal | undefined> {
  const headers = new Headers({ "content-type": "application/json" });
  if (token !== "") headers.set("authorization", `Bearer ${token}`);
  return send(faultsUrl, { method: "POST", headers, body: JSON.stringify(body) });
}

/** @returns why not, or nothing when it is over */
export function stopFault(id: string): Promise<Refusal | undefined> {
  return send(`${faultsUrl}/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export function stopAllFaults(): Promise<Refusal | undefined> {
  return send(faultsUrl, { method: "DELETE" });
}

async function send(url: string, request: RequestInit): Promise<Refusal | undefined> {
  try {
    const response = await fetch(url, request);
    if (response.ok) return undefined;
    const refusal: Refusal = await response.json();
    return response.status === 401 ? { ...refusal, field: "token" } : refusal;
  } catch {
    // It crashed at once, or is blocked: the polls will show which.
    return { message: "The target did not answer." };
  }
}

export function curlToList(): string {
  return `curl ${faultsUrl}`;
}

export function curlToStopAll(): string {
  return `curl -X DELETE ${faultsUrl}`;
}

export function curlToStart(body: object): string {
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  const bearer = settings.tokenRequired ? '-H "Authorization: Bearer $FAULT_TOKEN" ' : "";
  return `curl ${bearer}--json '${json}' ${faultsUrl}`;
}
