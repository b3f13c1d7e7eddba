/** A real Prometheus for tests, on a free port, with the jobs that it scrapes. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free-port.ts";

const START_DEADLINE_MS = 15_000;

export interface Scrape {
  readonly job: string;
  /** Origin of what serves `/metrics`. */
  readonly url: string | readonly string[];
  readonly intervalMs: number;
  /** Its histograms are stored as native ones, and not as buckets. */
  readonly isNative?: true;
}

/** Why there is none; `undefined` if there is. */
export function whyNoPrometheus(): string | undefined {
  return Bun.which("prometheus") === null ? "`prometheus` is not on the PATH" : undefined;
}

/**
 * Starts it and waits until it answers.
 *
 * @param ruleFile its content, as a value; evaluated as often as the job is scraped
 */
export async function startRealPrometheus(
  scrape: Scrape,
  ruleFile: unknown = {},
): Promise<AsyncDisposable & { readonly url: string }> {
  const folder = await mkdtemp(join(tmpdir(), "sentinel-prometheus-"));
  const config = join(folder, "prometheus.yml");
  const interval = `${scrape.intervalMs}ms`;
  await Bun.write(join(folder, "rules.yml"), JSON.stringify(ruleFile));
  await Bun.write(
    config,
    JSON.stringify({
      global: { evaluation_interval: interval },
      rule_files: ["rules.yml"],
      scrape_configs: [
        {
          job_name: scrape.job,
          scrape_interval: interval,
          scrape_timeout: interval,
          ...(scrape.isNative && { convert_classic_histograms_to_nhcb: true }),
          static_configs: [{ targets: [scrape.url].flat().map((url) => new URL(url).host) }],
        },
      ],
    }),
  );
  const port = freePort();
  const child = Bun.spawn(
    [
      "prometheus",
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, "series")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...(scrape.isNative ? ["--enable-feature=native-histograms"] : []),
      // By default the first scrape waits for 5 s.
      "--scrape.discovery-reload-interval=100ms",
    ],
    { stdout: "ignore", stderr: Bun.file(join(folder, "log")) },
  );
  const url = `http://127.0.0.1:${port}`;
  const stop = async () => {
    child.kill("SIGKILL");
    await child.exited;
    await rm(folder, { recursive: true });
  };
  const untilMs = performance.now() + START_DEADLINE_MS;
  while (!(await isReady(url))) {
    if (child.exitCode === null && performance.now() < untilMs) {
      await Bun.sleep(50);
      continue;
    }
    const log = await Bun.file(join(folder, "log")).text();
    await stop();
    throw new Error(`prometheus does not answer: ${log.slice(-2000)}`);
  }
  return { url, [Symbol.asyncDispose]: stop };
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/-/ready`, { proxy: false }).catch(() => undefined);
  return response?.ok === true;
}
