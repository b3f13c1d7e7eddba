/** The command `check --prompt`: what a model would be sent, and who would get it. */

import { existsSync } from "node:fs";
import { allowlistFor } from "../allowlist.ts";
import type { ObserverSettings } from "../config/config.ts";
import { isLoopback } from "../text/url.ts";
import { mostUrgent } from "../rules/alert-state.ts";
import { openRecorder } from "../incident/recorder.ts";
import { SentinelError } from "../core/errors.ts";
import { collectEvidence, diagnosisRequest, readHistory } from "../incident/investigate.ts";
import { createLock } from "../core/lock.ts";
import type { Alert } from "../core/model.ts";
import { createMonitor, type Poll } from "../rules/monitor.ts";
import { createDirectory, ownerOfAlert } from "../rules/ownership.ts";
import type { DiagnosisRequest } from "../core/ports.ts";
import { renderPrompt } from "../diagnosis/prompt.ts";
import { createSharedRules } from "../rules/shared-rules.ts";
import { settleActions } from "../incident/settled-actions.ts";
import type { IncidentContext, ServiceContext } from "../incident/context.ts";
import { platformOf, recipientsOf, signalsOf } from "../observer/drivers.ts";
import { askPlatforms } from "../observer/platforms.ts";
import type { DockerOptions } from "../platforms/docker/docker.ts";
import { checkHealth } from "../observer/health.ts";
import { memoryJournal } from "../journals/memory.ts";
import { groupsOfFiles, monitorOptions, recordingBy } from "../observer/effective-rules.ts";
import { systemClock } from "../observer/system-clock.ts";

const DEADLINE_MS = 30_000;

/** A rate needs two scrapes. */
const BETWEEN_SCRAPES_MS = 1000;

const HEADING_WIDTH = 72;

/**
 * What would be sent to a model now, if the most urgent alert of the first service fired: its evidence
 * is collected as in an incident, and goes nowhere.
 *
 * @param docker the `docker` command, where it is not that of the settings
 * @returns lines for people, control characters made visible; the first says who would get it
 * @throws SentinelError `configuration` on a rule that cannot be read, or if no service is named
 */
export async function showPrompt(
  settings: ObserverSettings,
  docker?: DockerOptions,
): Promise<readonly string[]> {
  const { alert, fires, request } = await sampleRequest(settings, docker);
  const { system, schema, user } = renderPrompt(request, crypto.randomUUID());
  const when = `when ${alert.rule.alert} fires on ${request.evidence.service}`;
  return [
    describeRecipients(recipientsOf(settings), when),
    ...(fires ? [] : [`${alert.rule.alert} does not fire: this is its evidence as if it did.`]),
    ...section("system", system),
    ...section("schema of the answer", JSON.stringify(schema, undefined, 2)),
    ...section("user", user),
  ];
}

function describeRecipients(hosts: readonly string[], when: string): string {
  if (hosts.length === 0)
    return `Nothing is ever sent: neither Gemini nor a local model is configured. A model would get this ${when}.`;
  const shown = hosts.map((host) =>
    isLoopback(`http://${host}`) ? `${host} (this machine)` : host,
  );
  return `To ${shown.join(", then ")}, ${when}. Nothing was sent now.`;
}

function section(title: string, text: string): string[] {
  const heading = `── ${title} `;
  return ["", heading + "─".repeat(HEADING_WIDTH - heading.length), ...text.split("\n")];
}

interface Sample {
  readonly alert: Alert;
  /** Whether it fires now. */
  readonly fires: boolean;
  readonly request: DiagnosisRequest;
}

async function sampleRequest(
  settings: ObserverSettings,
  docker: DockerOptions | undefined,
): Promise<Sample> {
  const [service] = settings.services;
  if (service === undefined)
    throw new SentinelError("configuration", "no service is named, so there is nothing to show", {
      hint: "Name one in TARGET_CONTAINER, or in the settings file.",
    });
  const platforms = askPlatforms(settings, docker);
  const { platform, findComposeService } = platformOf(service, platforms);
  const { source, own, embedded } = signalsOf(
    settings,
    platforms.map((one) => one.platform),
  );
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const directory = createDirectory(settings.services);
  const sharedRules = createSharedRules(
    {
      groups: groupsOfFiles(settings),
      directory: () => directory,
      pollIntervalMs: settings.pollIntervalMs,
      signal,
      ...recordingBy(embedded),
    },
    source,
    systemClock,
  );
  const shared = { rules: sharedRules, service: service.name };
  const options = { ...monitorOptions(settings, service, source), own, shared };
  const monitor = createMonitor(options, source, systemClock);
  await own.scrapeOnce(signal);
  await systemClock.sleep(BETWEEN_SCRAPES_MS, signal);
  await own.scrapeOnce(signal);
  const poll = await monitor.poll(signal);
  const { alert, fires } = sampleAlert(poll);
  const { autonomy, pollIntervalMs, stabilizeMs, maskEmails } = settings;
  const serviceContext: ServiceContext = {
    source,
    own,
    monitor,
    platform,
    diagnosers: [],
    clock: systemClock,
    seen: { history: { looks: [], sinceMs: systemClock.nowMs() } },
    // Nothing happens, so nothing is to be kept.
    recorder: await openRecorder(
      memoryJournal(),
      { cooldownMs: 0, mostPerService: 0, mostInAll: 0 },
      systemClock,
    ),
    actionLock: createLock(),
    checkHealth: (of) => checkHealth(of, platform),
    ownerOf: (of) => ownerOfAlert(of, directory),
    findComposeService,
    hasComposeFile: () => existsSync(settings.composeFile),
  };
  const allowlist = allowlistFor(service.name, service);
  const policy = { service, allowlist, autonomy, pollIntervalMs, stabilizeMs };
  const given: IncidentContext = {
    policy,
    serviceContext,
    incident: "sample",
    emit() {},
    commit: async () => false,
  };
  const context = await settleActions(given, signal);
  const history = await readHistory(alert, serviceContext, signal);
  const evidence = await collectEvidence(
    { alert, poll, history, onsetMs: alert.activeAtMs },
    context,
    signal,
  );
  for (const { close } of platforms) await close?.();
  const request = diagnosisRequest({ evidence, rule: alert.rule }, context.policy);
  return { alert, fires, request: { ...request, maskEmails } };
}

/** The most urgent that fires; else the first that may lead to an action, as if it fired. */
function sampleAlert({ alerts: inEffect, atRest, atMs }: Poll): Pick<Sample, "alert" | "fires"> {
  const alerts = [...inEffect, ...atRest()];
  const firing = mostUrgent(alerts.filter(({ state }) => state === "firing"));
  if (firing !== undefined) return { alert: firing, fires: true };
  const quiet = alerts.find(({ rule }) => rule.permits.length > 0) ?? alerts[0];
  if (quiet === undefined)
    throw new SentinelError("configuration", "there is no rule, so nothing is ever sent");
  const since = { activeAtMs: atMs, firingAtMs: atMs };
  return { alert: { ...quiet, ...since, state: "firing" }, fires: false };
}
