/** The built-in diagnoser: hypotheses held against the evidence. It needs no model and always answers. */

import { ACTION_IDS, type ActionId } from "../../allowlist.ts";
import type { FaultClass } from "../../core/fault-class.ts";
import type { ContainerState, Death, Diagnosis } from "../../core/model.ts";
import type { Diagnoser, DiagnosisRequest } from "../../core/ports.ts";
import { POINTING_ALERTS } from "../../rules/pointing-rules.ts";
import { CONTAINER_UNHEALTHY_ALERT } from "../../rules/rules.ts";
import { actionsFor } from "../proposable.ts";
import { type Facts, readFacts } from "./facts.ts";
import { type Help, HYPOTHESES, type Hypothesis } from "./hypotheses.ts";

export const PLAYBOOK_NAME = "built-in playbook";

export const playbook: Diagnoser = {
  name: PLAYBOOK_NAME,
  deadlineMs: 1000,
  diagnose: (request) => Promise.resolve(consult(request)),
};

/** Fewer points are too thin to act on, or to name a class by. */
const MIN_POINTS = 2;
/** So much better than the next with another remedy; else it is a tie, and a person's. */
const MIN_LEAD = 0.5;
/** So much for one of the causes that a restart makes worse is enough to leave it to a person. */
const DOUBT_POINTS = 2.5;
const ONLY_A_PERSON: readonly FaultClass[] = ["overload", "dependency", "config", "deploy"];
/** How many facts are told in the sentence; the rest is among the evidence. */
const FACTS_TOLD = 3;

/** The diagnosis by rules alone: the hypothesis with the most support, and no action on a tie or on thin evidence. */
export function consult(request: DiagnosisRequest): Diagnosis {
  const { evidence } = request;
  const facts = readFacts(evidence);
  const { faultClass, because, help, points, details } = judge(facts);
  // What only points at trouble to come permits nothing by itself.
  const isPointing = POINTING_ALERTS.includes(evidence.alert);
  const action = help === "none" || isPointing ? "none" : narrowest(help, request);
  return {
    rootCause: because,
    severity: evidence.severity,
    faultClass,
    confidence: confidenceOf(faultClass, points, facts),
    action,
    evidence: [
      evidence.summary,
      ...(facts.container ? [describe(facts.container)] : []),
      ...details,
    ],
  };
}

function narrowest(help: Exclude<Help, "none">, request: DiagnosisRequest): ActionId | "none" {
  const { allowlist, unattended = ACTION_IDS } = request;
  return actionsFor(help, allowlist, unattended)[0]?.id ?? "none";
}

interface Judgement {
  readonly faultClass: FaultClass;
  readonly because: string;
  readonly help: Help;
  readonly points: number;
  /** What else speaks for it and against it. */
  readonly details: readonly string[];
}

/** What settles the matter before anything is weighed; else the best supported hypothesis. */
function judge(facts: Facts): Judgement {
  const before = settled(facts);
  if (before !== undefined) return before;
  const weighed = weigh(facts);
  return (weighed.faultClass === "unknown" ? ofScraping(facts) : undefined) ?? weighed;
}

/** Where nothing else is wrong with it, it is not the service that is sick. */
function ofScraping({ evidence, symptom, hasEnded }: Facts): Judgement | undefined {
  if (symptom !== "down" || evidence.alert === CONTAINER_UNHEALTHY_ALERT) return undefined;
  if (evidence.health?.ok !== true || hasEnded) return undefined;
  const because =
    "It cannot be scraped, yet its health endpoint answers: what fails is the scraping of its metrics.";
  return { faultClass: "unknown", because, help: "none", points: 4, details: [] };
}

function settled({
  evidence,
  symptom,
  isAbsent,
  container,
  ...facts
}: Facts): Judgement | undefined {
  const sure = { points: 4, details: [] };
  if (evidence.alert === CONTAINER_UNHEALTHY_ALERT && facts.isCheckBroken) {
    const said = container?.checks?.at(-1)?.output.trim();
    const because = `Its HEALTHCHECK cannot be run, so it says nothing of the service: ${said}`;
    return { faultClass: "config", because, help: "none", ...sure };
  }
  if (symptom !== "down") return undefined;
  if (isAbsent)
    return {
      faultClass: "unknown",
      because: "It does not answer, since its container does not exist.",
      help: "create",
      ...sure,
    };
  if (evidence.container.kind === "unreadable" && evidence.health?.ok !== true)
    return {
      faultClass: "unknown",
      because: `It does not answer, and what became of it is not known: ${evidence.container.reason}.`,
      help: "none",
      ...sure,
    };
  return undefined;
}

interface Weighed {
  readonly hypothesis: Hypothesis;
  readonly points: number;
  readonly pros: readonly string[];
  readonly cons: readonly string[];
}

/** Every hypothesis held against the facts, the best supported first. */
function ranked(facts: Facts): readonly [Weighed, Weighed, ...Weighed[]] {
  const weighed = HYPOTHESES.map((hypothesis): Weighed => {
    const holding = (side: Hypothesis["for"]) =>
      side.flatMap(([points, sign]) => {
        const text = sign(facts);
        return text === undefined ? [] : [{ points, text }];
      });
    const [pros, cons] = [holding(hypothesis.for), holding(hypothesis.against)];
    const sum = (side: typeof pros) => side.reduce((total, { points }) => total + points, 0);
    const texts = (side: typeof pros) => [
      ...new Set(side.toSorted((a, b) => b.points - a.points).map(({ text }) => text)),
    ];
    return {
      hypothesis,
      points: sum(pros) - sum(cons),
      pros: texts(pros),
      cons: texts(cons),
    };
  }).toSorted((a, b) => b.points - a.points);
  const [best, second, ...others] = weighed;
  if (best === undefined || second === undefined) throw new RangeError("there are no hypotheses");
  return [best, second, ...others];
}

function weigh(facts: Facts): Judgement {
  const all = ranked(facts);
  const [best, second] = all;
  const { hypothesis, points, pros, cons } = best;
  if (points < MIN_POINTS)
    return {
      faultClass: "unknown",
      because: `The evidence is too thin to tell a cause of ${facts.evidence.alert}.`,
      help: "none",
      points,
      details: pros,
    };
  const help = hypothesis.help(facts);
  const isTie =
    points - second.points < MIN_LEAD &&
    second.points >= MIN_POINTS &&
    second.hypothesis.help(facts) !== help;
  // A restart in vain, in the midst of a surge or a bad deploy, makes things worse.
  const doubt =
    help === "none" || help === "rollback" || isTie
      ? undefined
      : all.find(
          (one) =>
            ONLY_A_PERSON.includes(one.hypothesis.faultClass) &&
            one.hypothesis !== hypothesis &&
            one.points >= DOUBT_POINTS,
        );
  const why = `${hypothesis.claim}: ${pros.slice(0, FACTS_TOLD).join("; ")}`;
  const tie = isTie
    ? `; as much speaks for another cause (${second.hypothesis.faultClass}), so a person has to tell`
    : doubt !== undefined
      ? `; yet it may be ${doubt.hypothesis.faultClass} (${doubt.pros[0]}), so a person has to tell`
      : help === "none"
        ? "; a restart would not help"
        : pros.length === 1 && second.points < MIN_POINTS
          ? "; nothing that is seen speaks for another cause"
          : "";
  return {
    faultClass: hypothesis.faultClass,
    because: `${why}${tie}.`,
    help: isTie || doubt !== undefined ? "none" : help,
    points: isTie ? MIN_POINTS : points,
    details: [
      ...pros.slice(FACTS_TOLD),
      ...cons.map((con) => `Against it: ${con}`),
      ...(second.points >= MIN_POINTS
        ? [`Next: ${second.hypothesis.faultClass}, for ${second.pros.join("; ")}`]
        : []),
    ],
  };
}

function confidenceOf(faultClass: FaultClass, points: number, { container }: Facts): number {
  if (faultClass === "unknown") return 0.2;
  const share = Math.min(0.4 + points * 0.08, 0.9);
  return Math.round(100 * (container === undefined ? Math.min(share, 0.5) : share)) / 100;
}

/** How one run ended, and how long it was. */
export function describeDeath({
  exitCode,
  oomKilled,
  ranMs,
}: Omit<Death, "atMs" | "wasStopped" | "lines">): string {
  const how = oomKilled
    ? `exit code ${exitCode}, killed for lack of memory`
    : `exit code ${exitCode}`;
  if (ranMs === undefined) return how;
  return `${how}, after ${ranMs < 1000 ? `${Math.round(ranMs)} ms` : `${Math.round(ranMs / 100) / 10} s`}`;
}

function describe({ status, health, restartCount }: ContainerState): string {
  return `Runtime: ${status}, health ${health}, restarted ${restartCount} times by itself`;
}
