/** A Prometheus behind a gateway: it wants to know who asks, and may say that it knows a part only. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runToEnd, sentinelBinary } from "../support/binary.ts";
import { describeUnless } from "../support/docker.ts";
import { startObserving } from "../support/observing.ts";
import { type Broken, startPrometheus, vectorOf } from "../support/servers/prometheus.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "sentinel-b12-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));

describe("a partial answer", () => {
  test.each<Broken>(["partial", "partial_flag"])("B12: %s is no answer", async (kind) => {
    await using server = startPrometheus(kind);
    await using observer = startObserving({ env: { PROMETHEUS_URL: server.url } });
    const { reason } = await observer.event(({ event }) => event === "source_down");
    expect(reason).toContain("answered with a part of the data only");
    observer.kill("SIGTERM");
    expect(await observer.exited).toBe(0);
    expect(observer.stdout()).not.toContain("incident_opened");
  });
});

/** Signs what `openssl` makes: an authority, a server's certificate and a client's. */
function openssl(...args: readonly string[]): void {
  const made = Bun.spawnSync(["openssl", ...args], { cwd: FOLDER });
  if (!made.success) throw new Error(`openssl ${args.join(" ")}: ${made.stderr}`);
}

const hasOpenssl = Bun.which("openssl") !== null;

describeUnless(hasOpenssl ? undefined : "there is no openssl", "behind a gateway", () => {
  const SECRETS = ["t0ken-of-the-gateway", "tenant-9f2c"] as const;
  const asked: Headers[] = [];
  const server = { url: "", close: () => {} };

  beforeAll(() => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    openssl("req", "-x509", ...key, "-keyout", "ca-key.pem", "-out", "ca.pem", "-subj", "/CN=ca");
    for (const [name, extension] of [
      ["server", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ["client", "extendedKeyUsage=clientAuth"],
    ] as const)
      openssl(
        "req",
        "-x509",
        ...key,
        "-keyout",
        `${name}-key.pem`,
        "-out",
        `${name}.pem`,
        "-subj",
        `/CN=${name}`,
        "-addext",
        extension,
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca-key.pem",
      );
    const started = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      tls: {
        key: Bun.file(join(FOLDER, "server-key.pem")),
        cert: Bun.file(join(FOLDER, "server.pem")),
        ca: Bun.file(join(FOLDER, "ca.pem")),
        requestCert: true,
        // Whoever has no certificate of this authority does not get as far as asking.
        rejectUnauthorized: true,
      },
      fetch({ headers, url }) {
        asked.push(headers);
        if (headers.get("authorization") !== `Bearer ${SECRETS[0]}`)
          return new Response(null, { status: 401 });
        const data = url.includes("/targets") ? { activeTargets: [] } : vectorOf("1");
        return Response.json({ status: "success", data });
      },
    });
    server.url = `https://localhost:${started.port}`;
    server.close = () => void started.stop(true);
  });
  afterAll(() => server.close());

  const files = {
    PROMETHEUS_CA_FILE: "ca.pem",
    PROMETHEUS_CERT_FILE: "client.pem",
    PROMETHEUS_KEY_FILE: "client-key.pem",
  };
  const secrets = {
    PROMETHEUS_TOKEN: SECRETS[0],
    PROMETHEUS_HEADERS: `X-Scope-OrgID: ${SECRETS[1]}; X-Team: shop`,
  };
  const observe = (env: Record<string, string | undefined>) =>
    startObserving({ cwd: FOLDER, env: { PROMETHEUS_URL: server.url, ...env } });

  test("B12: it is given token, tenant and certificate, and no output has them", async () => {
    await using observer = observe({ ...files, ...secrets });
    await observer.event(({ event }) => event === "alert_changed" || event === "incident_opened");
    observer.kill("SIGTERM");
    await observer.exited;
    expect(asked.length).toBeGreaterThan(0);
    for (const headers of asked) {
      expect(headers.get("x-scope-orgid")).toBe(SECRETS[1]);
      expect(headers.get("x-team")).toBe("shop");
      expect(headers.get("authorization")).toBe(`Bearer ${SECRETS[0]}`);
    }
    for (const secret of SECRETS)
      expect(observer.stdout() + observer.stderr()).not.toContain(secret);
  });

  test.each([
    ["its authority", { ...files, ...secrets, PROMETHEUS_CA_FILE: "" }, "PROMETHEUS_CA_FILE"],
    ["our certificate", { ...secrets, PROMETHEUS_CA_FILE: "ca.pem" }, "PROMETHEUS_CERT_FILE"],
    ["the token", files, "PROMETHEUS_TOKEN"],
  ])("B12: without %s, `check` says what to set", async (_, env, key) => {
    const { stdout } = await runToEnd([sentinelBinary(), "check"], {
      cwd: FOLDER,
      env: { PROMETHEUS_URL: server.url, LOCAL_MODELS: "none", ...env },
    });
    const line = stdout.split("\n").find((one) => one.includes(server.url));
    expect(line).toContain(key);
  });
});
