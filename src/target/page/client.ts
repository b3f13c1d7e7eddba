/** The script of the page: asks for the faults once a second, and shows them. */

import type { FaultView } from "../fault.ts";
import {
  curlToList,
  curlToStopAll,
  type FaultList,
  listFaults,
  type Refusal,
  settings,
  startFault,
  stopAllFaults,
  stopFault,
} from "./api.ts";
import { createCard } from "./card.ts";
import { announce, byId, make, makeShellLine } from "./dom.ts";
import { type ActiveRow, createActiveRow, createRecentRow } from "./rows.ts";

const POLL_MS = 1000;
const TICK_MS = 250;
const RECENT_SHOWN = 10;

const token = make("input");
const rows = new Map<string, ActiveRow>();
const cards = settings.kinds.map((kind) => createCard(kind, { start, stop }));
let isAnswering: boolean | undefined;
let recentShown = "";
let nextPoll = 0;

showSettings();
setInterval(() => rows.forEach((row) => row.tick()), TICK_MS);
document.addEventListener("visibilitychange", poll);
void poll();

function showSettings(): void {
  byId("version").textContent = settings.version;
  showTokenField();
  byId("stop-all").addEventListener("click", stopAll);
  byId("shell").append(
    makeShellLine("lists the faults", curlToList).element,
    makeShellLine("stops all faults", curlToStopAll).element,
  );
  byId("cards").append(...cards.map(({ element }) => element));
  byId("main").hidden = false;
}

function showTokenField(): void {
  token.id = "token";
  token.type = "password";
  token.autocomplete = "off";
  token.setAttribute("aria-describedby", "token-note");
  token.addEventListener("input", () => (byId("token-error").textContent = ""));
  byId("token-place").append(token);
  byId("token-form").hidden = !settings.tokenRequired;
  byId("token-form").addEventListener("submit", (event) => event.preventDefault());
}

/** Polls again and again while the page is visible. */
async function poll(): Promise<void> {
  clearTimeout(nextPoll);
  if (document.hidden) return;
  try {
    showFaults(await listFaults());
    showConnection(true);
  } catch {
    // It is blocked, has ended or is starting: the next poll will show which.
    showConnection(false);
  }
  clearTimeout(nextPoll);
  nextPoll = window.setTimeout(poll, POLL_MS);
}

function showConnection(answers: boolean): void {
  if (isAnswering === answers) return;
  const text = answers ? "Answering" : "Not answering, trying again";
  if (isAnswering !== undefined || !answers) announce(`Target: ${text}`);
  isAnswering = answers;
  const connection = byId("connection");
  connection.textContent = text;
  connection.hidden = false;
  document.body.classList.toggle("is-silent", !answers);
}

function showFaults({ active, recent }: FaultList): void {
  // Newest first, as the list has it.
  for (const fault of active.toReversed()) (rows.get(fault.id) ?? addRow(fault)).update(fault);
  for (const [id, row] of rows) {
    if (active.some((fault) => fault.id === id)) continue;
    announce(`${row.kind} ${recent.find((fault) => fault.id === id)?.state ?? "ended"}`);
    removeRow(id, row);
  }
  for (const card of cards) card.showActive(active.filter(({ kind }) => kind === card.kind));
  byId("stop-all").hidden = active.length === 0;
  byId("none-active").hidden = active.length > 0;
  showRecent(recent.slice(0, RECENT_SHOWN));
}

function addRow(fault: FaultView): ActiveRow {
  const row = createActiveRow(fault, () => stop([fault.id]));
  rows.set(fault.id, row);
  byId("active").prepend(row.element);
  // What was active before the page was opened is not announced.
  if (isAnswering !== undefined) announce(`${fault.kind} started`);
  return row;
}

function removeRow(id: string, { element }: ActiveRow): void {
  const hadFocus = element.contains(document.activeElement);
  rows.delete(id);
  element.remove();
  // Without this, the keyboard would start at the top of the page again.
  if (hadFocus) byId("active-title").focus();
}

function showRecent(recent: readonly FaultView[]): void {
  const text = JSON.stringify(recent);
  if (text === recentShown) return;
  recentShown = text;
  byId("none-recent").hidden = recent.length > 0;
  byId("recent").replaceChildren(...recent.map(createRecentRow));
}

async function start(body: object): Promise<Refusal | undefined> {
  const refusal = await startFault(body, token.value);
  await poll();
  if (refusal?.field !== "token") return refusal;
  byId("token-error").textContent = refusal.message;
  token.focus();
  return undefined;
}

async function stop(ids: readonly string[]): Promise<void> {
  showStopped(await Promise.all(ids.map(stopFault)));
}

async function stopAll(): Promise<void> {
  showStopped([await stopAllFaults()]);
}

function showStopped(refusals: readonly (Refusal | undefined)[]): void {
  const refusal = refusals.find((each) => each !== undefined);
  byId("stop-error").textContent = refusal?.message ?? "";
  void poll();
}
