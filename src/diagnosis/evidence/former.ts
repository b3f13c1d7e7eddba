/** PURE: what came of the service's incidents of before. */

import type { FormerIncident } from "../../core/evidence.ts";
import type { IncidentRecord } from "../../core/incident-record.ts";

/** Oldest first, as they are given. */
export function formerOf(records: readonly IncidentRecord[]): readonly FormerIncident[] {
  return records.map(({ openedAtMs, alert, diagnosis, action, closing }) => ({
    atMs: openedAtMs,
    alert: alert.name,
    cause: diagnosis && `${diagnosis.faultClass ?? "unknown"}: ${diagnosis.rootCause}`,
    action: action?.id,
    verdict: closing?.verdict?.kind ?? closing?.reason ?? closing?.result,
  }));
}
