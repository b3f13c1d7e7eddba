/** PURE: what may be the cause of an alert: what speaks for it and against it, and what would help. */

import type { Effect } from "../../allowlist.ts";
import { GIVEN_UP } from "../../core/model.ts";
import type { FaultClass } from "../../core/fault-class.ts";
import type { Facts } from "./facts.ts";
import * as signs from "./signs.ts";

/** What would help; `none` where nothing that Sentinel does would. */
export type Help = Effect | "none";

export interface Hypothesis {
  readonly faultClass: FaultClass;
  /** As the beginning of a sentence that the facts end. */
  readonly claim: string;
  readonly help: (facts: Facts) => Help;
  /** Points for what holds. */
  readonly for: readonly Weighed[];
  /** Points off for what holds. */
  readonly against: readonly Weighed[];
}

type Weighed = readonly [points: number, sign: signs.Sign];

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const never = (): Help => "none";

const newVersion = (ms: number) => signs.changed({ kinds: ["deploy"], ms });
const newSettings = (ms: number) => signs.changed({ kinds: ["config"], ms });
const ofNetwork = signs.changed({ kinds: ["network"], ms: 10 * MINUTE_MS });

/** A process that runs is restarted, and one that has ended is started: both by what its platform offers. */
const revive = ({ hasEnded, container, symptom }: Facts): Help =>
  symptom === "loop" || container?.status === GIVEN_UP
    ? "none"
    : hasEnded || (container !== undefined && container.status !== "running")
      ? "start"
      : "restart";

/** What a process has used up by itself it gives back when it ends. */
const isUsedUp = ({ said }: Facts) => said.resource_limit !== undefined;

/**
 * The order is that of a tie: first what a restart does not cure, so that where two are alike nothing is
 * restarted in vain.
 */
export const HYPOTHESES: readonly Hypothesis[] = [
  {
    faultClass: "deploy",
    claim: "A new version is the most likely cause",
    // Where the platform has no rollback, a person has.
    help: () => "rollback",
    for: [
      [4, newVersion(10 * MINUTE_MS)],
      [1, newVersion(2 * HOUR_MS)],
      [1, signs.logSays("version")],
      [0.5, signs.diesAtOnce],
    ],
    against: [
      [1.5, signs.sickNeeded],
      [1.5, signs.bigSurge],
    ],
  },
  {
    faultClass: "config",
    claim: "A wrong setting is the most likely cause",
    help: never,
    for: [
      [3.5, newSettings(10 * MINUTE_MS)],
      [0.5, newSettings(2 * HOUR_MS)],
      [3, signs.logSays("config")],
      [4, signs.notStarted],
      [0.5, signs.diesAtOnce],
    ],
    against: [
      [3, newVersion(10 * MINUTE_MS)],
      [1.5, signs.bigSurge],
      [1, signs.sickNeeded],
    ],
  },
  {
    faultClass: "dependency",
    claim: "Something that it depends on fails",
    help: never,
    for: [
      [4, signs.sickNeeded],
      [2.5, signs.logSays("dependency")],
      [1, signs.gatewayErrors],
    ],
    against: [
      [1, signs.logSays("network")],
      [1.5, ofNetwork],
      [1.5, signs.apart],
      [2, signs.logSays("disk")],
      [1.5, signs.surge],
      [1.5, signs.logSurge],
    ],
  },
  {
    faultClass: "network",
    claim: "It cannot reach others over the network",
    help: never,
    for: [
      [5, ofNetwork],
      [4, signs.apart],
      [3.5, signs.logSays("network")],
      [1.5, signs.logSays("name")],
      [0.5, signs.neededAreWell],
    ],
    against: [[3, signs.sickNeeded]],
  },
  {
    faultClass: "disk",
    claim: "It cannot write to its disk",
    help: never,
    for: [[6, signs.logSays("disk")]],
    against: [],
  },
  {
    faultClass: "overload",
    claim: "It gets more requests than it can bear",
    help: never,
    for: [
      [2.5, signs.surge],
      [1.5, signs.bigSurge],
      [2.5, signs.logSurge],
      [1.5, signs.logGoesOn],
      [1, signs.cpuRose],
      [2.5, signs.logSays("overload")],
    ],
    against: [
      [3, signs.noSurge],
      [1.5, signs.cpuForNobody],
      [1.5, signs.ifMemoryMatters(signs.memoryGrows)],
    ],
  },
  {
    faultClass: "resource_limit",
    claim: "It has used up what it may have",
    help: (facts) => (facts.hasEnded ? revive(facts) : isUsedUp(facts) ? revive(facts) : "none"),
    for: [
      [4, signs.outOfMemory],
      [4, signs.logSays("resource_limit")],
      [2.5, signs.tightCpuLimit],
      [1, signs.cpuAtLimit],
      [1, signs.memoryAtLimit],
    ],
    against: [
      [2.5, signs.surge],
      [2.5, signs.logSurge],
      [1, signs.cpuForNobody],
    ],
  },
  {
    faultClass: "leak",
    claim: "It leaks memory",
    help: revive,
    for: [
      [2.5, signs.symptomIs("memory")],
      [1, signs.symptomSeems("memory")],
      [2, signs.ifMemoryMatters(signs.memoryGrows)],
      [1, signs.ifMemoryMatters(signs.memoryRose)],
      [0.5, signs.outOfMemory],
    ],
    against: [
      [2, signs.memoryWithTraffic],
      // It may have grown before anybody looked: that it is too much is what the rule says.
      [0.5, signs.memoryFlat],
    ],
  },
  {
    faultClass: "hot_loop",
    claim: "It computes without an end",
    help: revive,
    for: [
      [2, signs.symptomIs("cpu")],
      [1, signs.symptomSeems("cpu")],
      [2, signs.cpuForNobody],
      [1, signs.cpuHigh],
      [3, signs.silentAndBusy],
      [0.5, signs.noSurge],
    ],
    against: [
      [3, signs.surge],
      [2, signs.logSurge],
      [2, signs.cpuIdle],
      [1, signs.tightCpuLimit],
    ],
  },
  {
    faultClass: "hang",
    claim: "It hangs: it waits for something that does not come",
    help: revive,
    for: [
      [2, signs.symptomIs("latency")],
      [1, signs.symptomSeems("latency")],
      [2.5, signs.silent],
      [2, signs.checkTimesOut],
      [1, signs.logHasEnded],
      [1, (facts) => (facts.symptom === "other" ? undefined : signs.fewerRequests(facts))],
      [
        1,
        (facts) => (["latency", "down"].includes(facts.symptom) ? signs.cpuIdle(facts) : undefined),
      ],
      [1.5, signs.logSays("hang")],
    ],
    against: [
      [2, signs.cpuHigh],
      [2, signs.surge],
      [2, signs.logGoesOn],
      [2, signs.silentAndBusy],
      [1, signs.logSays("dependency")],
    ],
  },
  {
    faultClass: "crash",
    claim: "It fails by an error of its own",
    help: revive,
    for: [
      [2.5, signs.ended],
      [2, signs.loops],
      [2, signs.symptomIs("errors")],
      [1, signs.symptomSeems("errors")],
      [1, signs.logSays("crash")],
      [1, signs.logSays("own_error")],
      [1.5, signs.refuses],
    ],
    against: [
      [2, signs.outOfMemory],
      [1, signs.unknownWords],
      [3, signs.notStarted],
      [2.5, signs.logSays("config")],
      [1, signs.gatewayErrors],
      [1, signs.logSays("dependency")],
    ],
  },
];
