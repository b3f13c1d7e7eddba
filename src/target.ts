/** The role `target`: a service that misbehaves on command. */

import { lookup } from "node:dns/promises";
import { SentinelError } from "./core/errors.ts";
import type { Log } from "./log.ts";
import { type ListeningTarget, listen } from "./target/listen.ts";
import { createTarget, type Target, type TargetSettings } from "./target/server.ts";

interface RunningTarget {
  /** Without a slash at the end. */
  readonly url: string;
  /** Fails the readiness probe, ends all faults, lets answers under way finish; within 2 s. */
  stop(): Promise<void>;
}

/** How long new connections are still taken, so that probes can see that the service is not ready. */
const LAME_DUCK_MS = 300;

/**
 * Starts the service; it answers when this resolves.
 *
 * @param exit ends the process, for the fault that is a crash
 * @throws SentinelError `listen` when the address cannot be had
 */
export async function startTarget(
  settings: TargetSettings,
  log: Log,
  exit: (code: number) => never,
): Promise<RunningTarget> {
  let listening: ListeningTarget | undefined;
  const target = createTarget(settings, {
    emit: log.event,
    ownProcess: { flushLog: log.flush, exit },
    addressOf: (request) => listening?.addressOf(request),
  });
  const listener = await listenOrExplain(target, settings);
  listening = listener;
  const { url } = listener;
  const { version, maxActiveFaults } = settings;
  log.event("info", "target_started", { url, version, max_active_faults: maxActiveFaults });
  log.flush();

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    target.drain();
    await Promise.all([target.stopFaults(), Bun.sleep(LAME_DUCK_MS)]);
    await listener.close();
    log.event("info", "target_stopped", { url });
    log.flush();
  };
  return { url, stop: () => (stopped ??= stop()) };
}

async function listenOrExplain(target: Target, settings: TargetSettings): Promise<ListeningTarget> {
  const { host, port } = settings;
  try {
    return listen(target, settings);
  } catch (cause) {
    throw await explain(cause, host, port);
  }
}

async function explain(cause: unknown, host: string, port: number): Promise<SentinelError> {
  const listenError = (message: string, hint: string) =>
    new SentinelError("listen", `cannot listen on ${host}:${port}: ${message}`, { hint, cause });
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EACCES") {
    return listenError("not permitted", "Set PORT to a number above 1023.");
  }
  if (code === "EADDRNOTAVAIL" || !(await isHost(host))) {
    const hint =
      "Set HOST to 127.0.0.1, to 0.0.0.0 for all addresses, or to one of this machine's.";
    return listenError("the host is no address of this machine", hint);
  }
  // Bun says this of an unknown host name, too, hence the order.
  if (code === "EADDRINUSE") {
    return listenError("the port is taken", "Set PORT to a free one, or stop what uses it.");
  }
  return listenError(
    cause instanceof Error ? cause.message : String(cause),
    "Check HOST and PORT.",
  );
}

async function isHost(host: string): Promise<boolean> {
  try {
    await lookup(host);
    return true;
  } catch {
    // Why a name does not resolve makes no difference to what there is to say.
    return false;
  }
}
