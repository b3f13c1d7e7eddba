/** The commands `check` and `rules`: what the observer would work with. */

import { stringify } from "yaml";
import type { ObserverSettings } from "./config.ts";
import { messageOf } from "./core/errors.ts";
import { reachDocker } from "./executors/docker.ts";
import { healthcheck } from "./healthcheck.ts";
import { print } from "./log.ts";
import { monitorOptions, ruleSources, rulesFor } from "./observer.ts";
import { prometheusSource } from "./signals/prometheus.ts";

const DEADLINE_MS = 10_000;

interface Finding {
  readonly state: "ok" | "failed" | "missing";
  readonly what: string;
  readonly text: string;
}

/**
 * Reaches every dependency once and prints one line for each, with what to do where it fails.
 *
 * @returns whether the observer could work: it needs signals and Docker; models are a help
 */
export async function check(settings: ObserverSettings): Promise<boolean> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const source = prometheusSource({ url: settings.prometheusUrl });
  const { gemini, localModels } = settings;
  const attempt = async (
    what: string,
    failing: Finding["state"],
    work: () => Promise<string>,
  ): Promise<Finding> => {
    try {
      return { state: "ok", what, text: await work() };
    } catch (error) {
      return { state: failing, what, text: messageOf(error) };
    }
  };
  const findings = await Promise.all([
    attempt("settings", "failed", async () => {
      const count = settings.services.flatMap((service) =>
        rulesFor(settings, service, DEADLINE_MS),
      ).length;
      return `${settings.services.length} services, ${count} rules, autonomy ${settings.autonomy}`;
    }),
    attempt("signals", "failed", async () => {
      await source.query("time()", signal);
      return `${new URL(settings.prometheusUrl).origin} answers`;
    }),
    attempt("docker", "failed", async () => `engine ${await reachDocker(signal)}`),
    ...settings.services.flatMap((service) => [
      attempt(`job of ${service.name}`, "missing", async () => {
        const up = (await source.query(`up{job=${JSON.stringify(service.job)}}`, signal))[0]?.value;
        if (up === undefined) throw new Error(`no job ${service.job}; add it to prometheus.yml`);
        return up === 1 ? "scraped" : "scraped without success";
      }),
      attempt(`health of ${service.name}`, "missing", async () => {
        const { ok, message } = await healthcheck(service.healthUrl);
        if (!ok) throw new Error(`${message}; start the service, or set TARGET_URL`);
        return message;
      }),
    ]),
    attempt("gemini", "missing", async () => {
      if (!gemini) throw new Error("no GEMINI_API_KEY: not asked");
      return `${gemini.model}, with a key of ${gemini.apiKey.length} characters (not tried: it would cost)`;
    }),
    attempt("local models", "missing", async () => {
      const { host, origin } = new URL(localModels.url);
      if (localModels.models.length === 0) throw new Error("LOCAL_MODELS is empty: not asked");
      await fetch(origin, { method: "HEAD", signal }).catch(() => {
        throw new Error(
          `nothing listens on ${host}; start LM Studio's server, or set LM_STUDIO_URL`,
        );
      });
      return `${host} answers; models ${localModels.models.join(", ")}`;
    }),
    attempt("playbook", "failed", async () => "always answers"),
  ]);
  const width = Math.max(...findings.map(({ what }) => what.length));
  for (const { state, what, text } of findings)
    print(`${state.padEnd(8)} ${what.padEnd(width)}  ${text}`);
  return findings.every(({ state }) => state !== "failed");
}

/** The rules in force, for `promtool check rules` and for a Prometheus to load. */
export async function renderRules(settings: ObserverSettings): Promise<string> {
  const source = prometheusSource({ url: settings.prometheusUrl });
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const groups = await Promise.all(
    settings.services.map(async (service) => {
      const { findWindowMs, fallbackWindowMs } = monitorOptions(settings, service, source);
      const windowMs = (await findWindowMs(signal)) ?? fallbackWindowMs;
      const rules = ruleSources(settings, service, windowMs).map(({ file: _, ...rule }) => rule);
      return { name: `sentinel-${service.name}`, rules };
    }),
  );
  return stringify({ groups }, { lineWidth: 0 }).trimEnd();
}
