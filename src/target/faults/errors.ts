/** Ordinary requests that are answered with an error status. */

import { invalid } from "../parameters.ts";
import { pathMatcher } from "../route-patterns.ts";
import { defineKind, routes, whole, within } from "./kind.ts";

const LOWEST_STATUS = 400;
const HIGHEST_STATUS = 599;
const MAX_REQUESTS = 1_000_000;

export const errors = defineKind({
  kind: "errors",
  summary: "Answers ordinary requests with an error: at random, every Nth, or the first N.",
  example: { status: 503, probability: 0.3, routes: ["/api/*"], duration: 60 },
  parameters: () => ({
    status: whole(LOWEST_STATUS, HIGHEST_STATUS, "an HTTP status").default(500),
    probability: within(0, 1, "of the matching requests").optional(),
    every: whole(1, MAX_REQUESTS, "of so many requests one fails").optional(),
    first: whole(1, MAX_REQUESTS, "so many requests fail, then none").optional(),
    routes: routes(),
  }),
  order({ status, routes, ...which }, { traffic }) {
    const { requested, unit, isHit, isDone } = choice(which);
    return {
      requested,
      unit,
      chosen: Object.keys(which).length === 0 ? { probability: 1 } : {},
      async inject({ signal, random, applied, measureBy }) {
        let matched = 0;
        let failed = 0;
        const done = new AbortController();
        measureBy(() => {
          if (which.first !== undefined) return failed;
          return matched === 0 ? undefined : failed / matched;
        });
        const rule = {
          matches: pathMatcher(routes),
          decide() {
            matched += 1;
            if (!isHit(matched, random())) return undefined;
            failed += 1;
            if (isDone(failed)) done.abort();
            return { kind: "status", status } as const;
          },
        };
        const finish = () => done.abort();
        signal.addEventListener("abort", finish, { once: true });
        applied();
        await traffic.apply(rule, done.signal);
        signal.removeEventListener("abort", finish);
      },
    };
  },
});

interface Which {
  readonly probability?: number | undefined;
  readonly every?: number | undefined;
  readonly first?: number | undefined;
}

interface Choice {
  readonly requested: number;
  readonly unit: string;
  /** @param nth of the matching requests, from 1. @param random in [0, 1) */
  readonly isHit: (nth: number, random: number) => boolean;
  /** Whether nothing is left to do after that number of failures. */
  readonly isDone: (failed: number) => boolean;
}

function choice({ probability, every, first }: Which): Choice {
  const given = Object.entries({ probability, every, first }).filter(([, n]) => n !== undefined);
  const [, second] = given;
  if (second !== undefined) throw invalid(second[0], "give one of probability, every and first");
  const never = () => false;
  const unit = "of the requests";
  if (first !== undefined) {
    const isDone = (failed: number) => failed === first;
    return { requested: first, unit: "requests", isHit: (nth) => nth <= first, isDone };
  }
  if (every !== undefined) {
    return { requested: 1 / every, unit, isHit: (nth) => nth % every === 0, isDone: never };
  }
  const likely = probability ?? 1;
  return { requested: likely, unit, isHit: (_, random) => random < likely, isDone: never };
}
