/** The built-in rules on what the probes of a service's health give. */

import { formatDuration } from "../core/duration.ts";
import { isProbed } from "../core/health.ts";
import type { Service } from "../core/model.ts";
import { PERMITS_ANNOTATION, REVIVALS } from "./permitted.ts";
import type { RuleSource } from "./rules.ts";

/** The alert that says that a service does not answer as its protocol wants. */
export const PROBE_FAILING_ALERT = "ProbeFailing";
const CERTIFICATE_EXPIRING_ALERT = "CertificateExpiring";

/** Who renews a certificate by a machine does so a month before it ends. */
const CERTIFICATE_DAYS = 14;
const DAY_S = 86_400;

/**
 * None for a health that Sentinel does not ask itself.
 *
 * @param intervalMs between two probes
 */
export function probeRules({ name, health }: Service, intervalMs: number): RuleSource[] {
  if (!isProbed(health)) return [];
  const of = (series: string) => `${series}{sentinel_service=${JSON.stringify(name)}}`;
  return [
    {
      on: "own",
      alert: PROBE_FAILING_ALERT,
      expr: `${of("probe_success")} == 0`,
      // One more probe that says so: a single one may have met a restart.
      for: formatDuration(intervalMs),
      labels: { severity: "critical", service: name },
      annotations: {
        summary: "its health does not answer as it should",
        [PERMITS_ANNOTATION]: REVIVALS.join(", "),
      },
    },
    ...(hasCertificate(health)
      ? [
          {
            on: "own" as const,
            alert: CERTIFICATE_EXPIRING_ALERT,
            expr: `${of("probe_ssl_earliest_cert_expiry")} - time() < ${CERTIFICATE_DAYS * DAY_S}`,
            labels: { severity: "medium", service: name },
            // No action renews it.
            annotations: { summary: "its certificate ends in {{ $value | humanizeDuration }}" },
          },
        ]
      : []),
  ];
}

function hasCertificate(health: Service["health"]): boolean {
  return (
    typeof health === "object" && /^(https|rediss|grpcs):/.test(Object.values(health)[0] ?? "")
  );
}
