/** What a person is told of Docker: each thing once, and again when it is over. */

import type { EmbeddedSource } from "../signals/embedded/embedded.ts";

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
    for (const [container, why] of problems)
      if (!told.has(container)) say(`container ${container} is left out: ${why}`);
    for (const container of told.keys())
      if (!problems.has(container)) say(`container ${container} is no longer left out`);
    told = problems;
  };
}
