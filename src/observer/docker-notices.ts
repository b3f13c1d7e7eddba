/** What a person is told of Docker: each thing once, and again when it is over. */

import type { EmbeddedSource } from "../signals/embedded/embedded.ts";

/** Of one look. Who reads of twenty containers does not read of thousands; those that follow are counted. */
const MAX_TOLD = 20;

type Docker = Pick<EmbeddedSource, "dockerError" | "containerProblems">;

/** @returns says what has changed since it was last called */
export function dockerNotices(docker: Docker, say: (text: string) => void): () => void {
  let isDown = false;
  let told = new Map<string, string>();
  return () => {
    const error = docker.dockerError();
    if (error !== undefined && !isDown) say(error);
    if (error === undefined && isDown) say("it answers again");
    isDown = error !== undefined;
    if (isDown) return;
    const problems = new Map(
      docker.containerProblems().map(({ container, why }) => [container, why]),
    );
    const before = told;
    const leftOut = [...problems].filter(([container]) => !before.has(container));
    for (const [container, why] of leftOut.slice(0, MAX_TOLD))
      say(`container ${container} is left out: ${why}`);
    if (leftOut.length > MAX_TOLD) say(`${leftOut.length - MAX_TOLD} more containers are left out`);
    const over = [...before.keys()].filter((container) => !problems.has(container));
    for (const container of over.slice(0, MAX_TOLD))
      say(`container ${container} is no longer left out`);
    if (over.length > MAX_TOLD) say(`${over.length - MAX_TOLD} more are no longer left out`);
    told = problems;
  };
}
