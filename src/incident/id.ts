/** The name of an incident: it sorts by time, says at a glance which alert it was, and is no other service's. */

/** Such as `20250101T120010-HighCpu-d1a9`; the time is UTC. */
export function incidentId(nowMs: number, alert: string, service: string): string {
  const stamp = new Date(nowMs).toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  return `${stamp}-${alert}-${digest(service)}`;
}

/** Four hexadecimal digits (FNV-1a, folded). */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return ((hash ^ (hash >>> 16)) & 0xffff).toString(16).padStart(4, "0");
}
