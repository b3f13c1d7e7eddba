/** What a person is told of a platform: each thing once, and again when it is over. */

import type { PlatformState } from "../signals/embedded/platform-series.ts";

/** Of one look. Who reads of twenty services does not read of thousands; those that follow are counted. */
const MAX_TOLD = 20;

/** @returns says what has changed since it was last called */
export function createPlatformNotices(
  say: (text: string) => void,
): (state: Pick<PlatformState, "error" | "problems">) => void {
  let isDown = false;
  let told = new Map<string, string>();
  return ({ error, problems: now }) => {
    if (error !== undefined && !isDown) say(error);
    if (error === undefined && isDown) say("it answers again");
    isDown = error !== undefined;
    if (isDown) return;
    const problems = new Map(now.map(({ service, why }) => [service, why]));
    const before = told;
    const leftOut = [...problems].filter(([service]) => !before.has(service));
    for (const [service, why] of leftOut.slice(0, MAX_TOLD))
      say(`container ${service} is left out: ${why}`);
    if (leftOut.length > MAX_TOLD) say(`${leftOut.length - MAX_TOLD} more containers are left out`);
    const over = [...before.keys()].filter((service) => !problems.has(service));
    for (const service of over.slice(0, MAX_TOLD))
      say(`container ${service} is no longer left out`);
    if (over.length > MAX_TOLD) say(`${over.length - MAX_TOLD} more are no longer left out`);
    told = problems;
  };
}
