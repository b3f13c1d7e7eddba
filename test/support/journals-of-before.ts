/**
 * Journals of a Sentinel that had one kind for a container that is not there and for one that could not be asked
 * about, as its observer wrote them: only a sentence told which of the two it was.
 */

import type { JournalEntry } from "../../src/core/ports.ts";

const SERVICE = "shop";
const INCIDENT = "20261127T082716-TargetDown-398a";

/** Docker answered, and had no such container. */
export const WITHOUT_CONTAINER = recorded([
  [
    1,
    1795768036817,
    "incident_opened",
    '{"alert":{"name":"TargetDown","state":"firing","severity":"critical","value":0,"threshold":0,"labels":{"job":"shop","instance":"127.0.0.1:9","severity":"critical","service":"shop","alertname":"TargetDown"},"summary":"the service cannot be scraped","active_at":"2026-11-27T08:27:14.638Z","firing_at":"2026-11-27T08:27:16.595Z"},"onsetMs":1795768034817}',
  ],
  [
    2,
    1795768037036,
    "evidence_collected",
    '{"container":{"kind":"missing","reason":"Docker has no container of that name"},"health":{"ok":false,"message":"http://127.0.0.1:9/health: connect ECONNREFUSED 127.0.0.1:9"},"logLines":0,"historyPoints":3}',
  ],
  [
    3,
    1795768037050,
    "diagnosis_failed",
    '{"reason":"unreachable","message":"can\'t reach localhost:1234 (ECONNREFUSED); is it up?","diagnoser":"mistralai/ministral-3-3b (localhost:1234)","durationMs":10}',
  ],
  [
    4,
    1795768037053,
    "diagnosed",
    '{"diagnoser":"built-in playbook","diagnosis":{"rootCause":"The service does not answer its scrapes or its health check. Its container does not exist.","severity":"critical","faultClass":"down","confidence":0.5,"action":"compose-up","evidence":["the service cannot be scraped"]},"durationMs":0}',
  ],
  [
    5,
    1795768037128,
    "decided",
    '{"decision":{"kind":"ask","action":"compose-up","reason":"touches_other_services"},"argv":["docker","compose","up","-d"]}',
  ],
  [
    6,
    1795768037130,
    "incident_closed",
    '{"closing":{"detectedAfterMs":2000,"result":"held","reason":"touches_other_services"}}',
  ],
]);

/** No engine answered. */
export const WITHOUT_ENGINE = recorded([
  [
    1,
    1795768036394,
    "incident_opened",
    '{"alert":{"name":"TargetDown","state":"firing","severity":"critical","value":0,"threshold":0,"labels":{"job":"shop","instance":"127.0.0.1:9","severity":"critical","service":"shop","alertname":"TargetDown"},"summary":"the service cannot be scraped","active_at":"2026-11-27T08:27:14.412Z","firing_at":"2026-11-27T08:27:16.177Z"},"onsetMs":1795768034394}',
  ],
  [
    2,
    1795768036576,
    "evidence_collected",
    '{"container":{"kind":"missing","reason":"Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?; start the Docker engine (`sudo systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST"},"health":{"ok":false,"message":"http://127.0.0.1:9/health: connect ECONNREFUSED 127.0.0.1:9"},"logLines":0,"historyPoints":3}',
  ],
  [
    3,
    1795768036592,
    "diagnosis_failed",
    '{"reason":"unreachable","message":"can\'t reach localhost:1234 (ECONNREFUSED); is it up?","diagnoser":"mistralai/ministral-3-3b (localhost:1234)","durationMs":12}',
  ],
  [
    4,
    1795768036594,
    "diagnosed",
    '{"diagnoser":"built-in playbook","diagnosis":{"rootCause":"The service does not answer its scrapes or its health check. What became of it is not known: Cannot connect to the Docker daemon at tcp://127.0.0.1:1. Is the docker daemon running?; start the Docker engine (`sudo systemctl start docker`, or Docker Desktop), or correct DOCKER_HOST.","severity":"critical","faultClass":"down","confidence":0.5,"action":"none","evidence":["the service cannot be scraped"]},"durationMs":0}',
  ],
  [5, 1795768036669, "decided", '{"decision":{"kind":"ask","reason":"no_action_needed"}}'],
  [
    6,
    1795768036671,
    "incident_closed",
    '{"closing":{"detectedAfterMs":2000,"result":"held","reason":"no_action_needed"}}',
  ],
]);

type Row = readonly [seq: number, atMs: number, type: string, fields: string];

function recorded(rows: readonly Row[]): readonly JournalEntry[] {
  const about = { service: SERVICE, incident: INCIDENT };
  return rows.map(([seq, atMs, type, fields]) => ({
    ...{ seq, atMs, ...about, type },
    fields: JSON.parse(fields),
  }));
}
