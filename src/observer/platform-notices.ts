/** What a person reads about a platform: each problem once, and once more when it is over. */

import type { PlatformState } from "../signals/embedded/platform-series.ts";

/** Services that one notice names; those beyond are counted, since nobody reads thousands of names. */
const MAX_NAMED = 20;

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
    for (const [service, why] of leftOut.slice(0, MAX_NAMED))
      say(`container ${service} is left out: ${why}`);
    if (leftOut.length > MAX_NAMED)
      say(`${leftOut.length - MAX_NAMED} more containers are left out`);
    const over = [...before.keys()].filter((service) => !problems.has(service));
    for (const service of over.slice(0, MAX_NAMED))
      say(`container ${service} is no longer left out`);
    if (over.length > MAX_NAMED) say(`${over.length - MAX_NAMED} more are no longer left out`);
    told = problems;
  };
}
