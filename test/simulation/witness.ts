/**
 * Holds Sentinel to its word. It knows what was run, what was written down and what people said, and
 * nothing of how Sentinel counts: each promise is worked out anew, from what is remembered here.
 */

import type { ActionId } from "../../src/allowlist.ts";
import type { JournalEntry } from "../../src/core/ports.ts";
import { readEvent, type RecordedEvent } from "../../src/core/journal-entry.ts";
import { type Fleet, HOUR_MS, type Member, MINUTE_MS, SHARED_RULE } from "./fleet.ts";
import type { Wall } from "./wall.ts";

export interface Promises {
  readonly cooldownMs: number;
  readonly mostPerService: number;
  readonly mostInAll: number;
}

export interface Witness {
  /** What the source has answered about a rule at the last look. */
  looked(service: string, alert: string, holds: boolean | undefined): void;
  /** An entry that is in the journal now, whoever wrote it. */
  wrote(entry: JournalEntry): void;
  /** A command begins. @returns what is to be called when it has ended */
  began(service: string, action: ActionId, argv: readonly string[]): (hasRun: boolean) => void;
  /** Each broken promise as a line, the first ones only. */
  readonly broken: readonly string[];
  readonly counts: Counts;
  /** Incidents that have not ended. */
  readonly open: readonly string[];
}

const NOTHING_YET = {
  opened: 0,
  closed: 0,
  healed: 0,
  "made worse": 0,
  "run alone": 0,
  "run with approval": 0,
  "denied or expired": 0,
  "next on the list": 0,
  pauses: 0,
  "resumed after a restart": 0,
  "of a rule for all": 0,
};
export type Counts = Readonly<typeof NOTHING_YET>;

interface Incident {
  readonly id: string;
  readonly service: string;
  readonly alert: string;
  readonly openedAtMs: number;
  diagnosed: string | undefined;
  decided: Extract<RecordedEvent, { type: "decided" }>["decision"] | undefined;
  request: Request | undefined;
  /** The intent that has no outcome. */
  intent:
    { readonly action: string; readonly argv: readonly string[]; hasRun: boolean } | undefined;
  lastAction: string | undefined;
  /** The healing that it has come back after. */
  readonly after: Healing | undefined;
}

interface Request {
  readonly action: string;
  readonly argv: string;
  readonly askedAtMs: number;
  readonly lengthMs: number;
  approvedAtMs: number | undefined;
  isAnswered: boolean;
  isUsed: boolean;
}

interface Pause {
  readonly atMs: number;
  readonly lengthMs: number;
}

interface Run {
  readonly service: string;
  readonly atMs: number;
  readonly isAlone: boolean;
  hasRun: boolean;
}

/** An incident that was healed, and whether it had itself come back. */
interface Healing {
  readonly action: string;
  readonly atMs: number;
  /** When this one's incident was opened. */
  readonly openedAtMs: number;
  /** The healing that this one's incident had come back after. */
  readonly after: Healing | undefined;
}

/** The true time, in which promises are worked out, and what an observer can know of it after a restart. */
interface Clocks {
  nowMs(): number;
  readonly wall: Pick<Wall, "seemsLongerMs" | "seemsShorterMs">;
}

const RECURRENCE_MS = 30 * MINUTE_MS;
const MAX_LINES = 20;

export function createWitness(
  members: () => Fleet["members"],
  { cooldownMs, mostPerService, mostInAll }: Promises,
  { nowMs, wall }: Clocks,
): Witness {
  const broken: string[] = [];
  const counts = { ...NOTHING_YET };
  const open = new Map<string, Incident>();
  const looks = new Map<string, { readonly holds: boolean | undefined; readonly atMs: number }>();
  const coolsFromMs = new Map<string, number>();
  const worse = new Set<string>();
  const paused = new Map<string, Pause>();
  /** Services that a person has resumed since all of them were paused. */
  const resumedSince = new Set<string>();
  const healings = new Map<string, Healing>();
  const inFlight = new Set<string>();
  let lastSeq = 0;
  let runs: Run[] = [];

  const complain = (promise: string, about: string) => {
    if (broken.length < MAX_LINES)
      broken.push(`${new Date(nowMs()).toISOString()} ${promise}: ${about}`);
  };
  /** The longest that this may seem ago to the observer. */
  const agoMs = (atMs: number) => nowMs() - atMs + wall.seemsLongerMs(atMs);
  const isPausedBy = (pause: Pause | undefined) =>
    pause !== undefined && agoMs(pause.atMs) < pause.lengthMs;
  const memberOf = (name: string): Member => {
    const member = members().find(({ service }) => service.name === name);
    if (member === undefined) throw new Error(`no service ${name}`);
    return member;
  };
  const require = (isKept: boolean, promise: string, about: string) => {
    if (!isKept) complain(promise, about);
  };

  /** The healing that an incident which opens now has come back after. */
  const cameBackAfter = (key: string): Healing | undefined => {
    const last = healings.get(key);
    return last !== undefined && agoMs(last.atMs) <= RECURRENCE_MS ? last : undefined;
  };

  /**
   * Whether that still holds for the observer that runs now: one that was started since reads both times from
   * the journal, where the wall clock may have been put forward between them.
   */
  const cameBackWithin = (healing: Healing | undefined, openedAtMs: number): boolean => {
    if (healing === undefined) return false;
    const seemsLongerMs = wall.seemsLongerMs(healing.atMs) - wall.seemsLongerMs(openedAtMs);
    return openedAtMs - healing.atMs + seemsLongerMs <= RECURRENCE_MS;
  };

  function judgeAlone(incident: Incident, member: Member, action: ActionId, about: string): void {
    const { service, alert, diagnosed, decided, after } = incident;
    const rule = [...member.rules, SHARED_RULE].find((one) => one.alert === alert);
    const permits = rule?.permits ?? [];
    const isNext =
      decided?.reason === "next_on_the_list" &&
      permits.indexOf(action) > permits.findIndex((id) => id === diagnosed) &&
      permits.some((id) => id === diagnosed);
    require(permits.includes(action), "the rule's key", about);
    require(diagnosed === action || isNext, "the diagnosis' key", about);
    require(member.service.actions.includes(action), "the service's own list", about);
    require(!action.endsWith("-stop"), "no stop without a person", about);
    require(member.autonomy === "auto", "AUTONOMY=approve asks", about);
    require(rule?.severity === "high" || rule?.severity === "critical", "severity", about);
    require(!member.isSeenStarting(), "nothing that starts is judged", about);
    require(!worse.has(service), "no automation after an action made things worse", about);
    const ago = agoMs(coolsFromMs.get(service) ?? -Infinity);
    require(ago >= cooldownMs, `cooldown, ${ago} ms after the last`, about);
    const alone = runs.filter(({ isAlone, hasRun }) => isAlone && hasRun);
    const ofService = alone.filter((run) => run.service === service);
    require(ofService.length < mostPerService, "actions an hour of a service", about);
    require(alone.length < mostInAll, "actions an hour in all", about);
    const isExhausted =
      cameBackWithin(after, incident.openedAtMs) &&
      after?.action === action &&
      cameBackWithin(after.after, after.openedAtMs) &&
      after.after?.action === action;
    require(!isExhausted, "not the same action after 2 recurrences", about);
  }

  function judgeApproved(request: Request, action: ActionId, argv: readonly string[]): void {
    const about = `${action} for ${JSON.stringify(request)}`;
    require(request.action === action && request.argv === argv.join(" "), "as approved", about);
    require(request.approvedAtMs !== undefined, "approved by a person", about);
    const { askedAtMs, lengthMs } = request;
    const untilMs = askedAtMs + lengthMs + wall.seemsShorterMs(askedAtMs);
    require((request.approvedAtMs ?? 0) < untilMs, "approved before expiry", about);
    require(nowMs() < untilMs, "acted upon before expiry", about);
    require(!request.isUsed, "an approval is used once", about);
    request.isUsed = true;
  }

  function read(incident: Incident, event: RecordedEvent, entry: JournalEntry): void {
    const { id, service, alert } = incident;
    switch (event.type) {
      case "diagnosed":
        incident.diagnosed = event.diagnosis.action;
        return;
      case "decided":
        incident.decided = event.decision;
        if (event.decision.reason === "next_on_the_list") counts["next on the list"] += 1;
        return;
      case "incident_resumed":
        counts["resumed after a restart"] += 1;
        return;
      case "approval_requested": {
        const { action, argv, expiresAtMs } = event;
        const argvText = argv.join(" ");
        const unanswered = { approvedAtMs: undefined, isAnswered: false, isUsed: false };
        const length = { askedAtMs: nowMs(), lengthMs: expiresAtMs - entry.atMs };
        incident.request = { action, argv: argvText, ...length, ...unanswered };
        return;
      }
      case "approval_answered":
        if (event.answer === "denied" || event.answer === "expired")
          counts["denied or expired"] += 1;
        return;
      case "action_started":
        require(incident.intent === undefined, "one intent at a time", id);
        incident.intent = { action: event.action, argv: event.argv, hasRun: false };
        return;
      case "action_finished":
        require(incident.intent !== undefined, "no outcome without an intent", id);
        if (event.outcome.kind !== "not_started") incident.lastAction = incident.intent?.action;
        incident.intent = undefined;
        return;
      case "incident_closed": {
        const { result, verdict, madeWorse } = event.closing;
        require(incident.intent === undefined, "an outcome for each intent", id);
        counts.closed += 1;
        open.delete(keyOf(entry));
        if (result === "acted") coolsFromMs.set(service, nowMs());
        if (madeWorse) {
          worse.add(service);
          counts["made worse"] += 1;
        }
        if (verdict?.kind === "healed" && incident.lastAction !== undefined) {
          counts.healed += 1;
          // Two are enough to tell: an older one would keep all that came before it.
          const after = incident.after && { ...incident.after, after: undefined };
          const { lastAction: action, openedAtMs } = incident;
          const healing = { action, atMs: nowMs(), openedAtMs, after };
          healings.set(`${service} ${alert}`, healing);
        }
        return;
      }
      default:
        return;
    }
  }

  function hear(entry: JournalEntry, event: RecordedEvent): void {
    switch (event.type) {
      case "paused":
        paused.set(entry.service, {
          atMs: nowMs(),
          lengthMs: (event.until_ms ?? Infinity) - entry.atMs,
        });
        // All of them anew, those as well that were resumed since.
        if (entry.service === "") resumedSince.clear();
        counts.pauses += 1;
        return;
      case "resumed":
        if (entry.service !== "") resumedSince.add(entry.service);
        for (const name of entry.service === "" ? [...paused.keys(), ...worse] : [entry.service]) {
          paused.delete(name);
          worse.delete(name);
        }
        return;
      case "approval_given": {
        const asked = [...open.values()].find(({ id }) => id === event.request);
        const request = asked?.request;
        if (request === undefined || request.isAnswered) return;
        request.isAnswered = true;
        if (event.answer === "approved") request.approvedAtMs = nowMs();
        return;
      }
      default:
        return;
    }
  }

  return {
    looked: (service, alert, holds) =>
      void looks.set(`${service} ${alert}`, { holds, atMs: nowMs() }),
    wrote(entry) {
      require(entry.seq > lastSeq, "numbers ascend", String(entry.seq));
      lastSeq = entry.seq;
      const event = readEvent(entry);
      if (event === undefined) return complain("entries are readable", JSON.stringify(entry));
      if (entry.incident === undefined || event.type === "approval_given")
        return hear(entry, event);
      if (event.type === "incident_opened") {
        const { service, incident: id } = entry;
        require(!open.has(keyOf(entry)), "opened once", id);
        const ago = agoMs(coolsFromMs.get(service) ?? -Infinity);
        require(ago >= cooldownMs, "nothing is taken up while it cools down", id);
        counts.opened += 1;
        const { name: alert, labels } = event.alert;
        if (alert === SHARED_RULE.alert) {
          counts["of a rule for all"] += 1;
          require(labels["container"] === service, "an alert of its own labels' service", id);
        }
        const unknown = { diagnosed: undefined, decided: undefined, request: undefined };
        const undone = { intent: undefined, lastAction: undefined };
        const after = cameBackAfter(`${service} ${alert}`);
        const openedAtMs = nowMs();
        open.set(keyOf(entry), { id, service, alert, openedAtMs, after, ...unknown, ...undone });
        return;
      }
      const incident = open.get(keyOf(entry));
      // It is told of an incident that has ended, and leads to nothing.
      if (event.type === "alert_flapped")
        return require(incident === undefined, "flaps after the end alone", entry.incident ?? "");
      if (incident === undefined) return complain("nothing after the end", JSON.stringify(entry));
      read(incident, event, entry);
    },
    began(service, action, argv) {
      const member = memberOf(service);
      const about = `${action} on ${service}`;
      runs = runs.filter(({ atMs }) => agoMs(atMs) < HOUR_MS);
      require(inFlight.size === 0, "one action in flight", `${about} beside ${[...inFlight]}`);
      const isPaused =
        isPausedBy(paused.get(service)) ||
        (!resumedSince.has(service) && isPausedBy(paused.get("")));
      require(!isPaused, "no action while paused", about);
      const meant = [...open.values()].filter((one) => one.service === service && one.intent);
      const [incident] = meant;
      require(meant.length === 1, "one intent before an action", `${about}, ${meant.length}`);
      let isAlone = true;
      if (incident?.intent) {
        const { intent, request, alert } = incident;
        require(!intent.hasRun, "an intent is run once", about);
        require(intent.action === action, "run as it was meant", about);
        require(intent.argv.join(" ") === argv.join(" "), "run as it was meant", about);
        intent.hasRun = true;
        const look = looks.get(`${service} ${alert}`);
        const isFresh = look !== undefined && nowMs() - look.atMs <= 1000;
        require(look?.holds === true && isFresh, "it fired at the last look", about);
        isAlone = incident.decided?.kind !== "ask";
        if (isAlone) judgeAlone(incident, member, action, about);
        else if (request === undefined) complain("asked a person", about);
        else judgeApproved(request, action, argv);
      }
      counts[isAlone ? "run alone" : "run with approval"] += 1;
      const run: Run = { service, atMs: nowMs(), isAlone, hasRun: true };
      runs.push(run);
      inFlight.add(about);
      return (hasRun) => {
        run.hasRun = hasRun;
        inFlight.delete(about);
      };
    },
    broken,
    counts,
    get open() {
      return [...open.values()].map(({ id, service }) => `${id} of ${service}`);
    },
  };
}

function keyOf({ incident, service }: JournalEntry): string {
  return `${incident}\n${service}`;
}
