/** The probes by what a service's health names. */

import type { ProbedHealth } from "../../core/health.ts";
import { probeGrpc } from "./grpc.ts";
import { probeHttp } from "./http.ts";
import { probePostgres } from "./postgres.ts";
import type { ProbeAnswer, ProbeLimits } from "./probe.ts";
import { probeRedis } from "./redis.ts";
import { probeTcp } from "./tcp.ts";

/** Asks once, over one connection, which is closed again. Never rejects. */
export function probe(health: ProbedHealth, limits: ProbeLimits): Promise<ProbeAnswer> {
  if ("http" in health) return probeHttp(health, limits);
  if ("tcp" in health) return probeTcp(health.tcp, limits);
  if ("redis" in health) return probeRedis(health.redis, limits);
  if ("postgres" in health) return probePostgres(health.postgres, limits);
  return probeGrpc(health.grpc, limits);
}
