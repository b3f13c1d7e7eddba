/** How a service is asked whether it is well. */

/** Where a service is asked by Sentinel itself whether it is well, by the protocol that it speaks. */
export type ProbedHealth =
  /** An address that answers 2xx while the service is well, with that text in its body if one is given. */
  | { readonly http: string; readonly body?: string }
  /** A connection is taken there. */
  | { readonly tcp: string }
  /** PING is answered there. */
  | { readonly redis: string }
  /** A session may be started there. */
  | { readonly postgres: string }
  /** The health protocol of gRPC says SERVING there. */
  | { readonly grpc: string };

/** How a service is asked whether it is well. Addresses may hold a password, and are never shown whole. */
export type HealthCheck =
  | ProbedHealth
  /** What its container's HEALTHCHECK says; without one, whether the container runs. */
  | "container"
  | "none";

/** Whether Sentinel asks by itself. */
export function isProbed(health: HealthCheck): health is ProbedHealth {
  return typeof health === "object";
}
