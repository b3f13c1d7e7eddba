/** Ordinary requests that are accepted and never answered. */

import { pathMatcher } from "../route-patterns.ts";
import { defineKind, routes, share } from "./kind.ts";

export const hang = defineKind({
  kind: "hang",
  summary: "Accepts ordinary requests and never answers them, until it ends.",
  example: { routes: ["/api/*"], share: 0.5, duration: 30 },
  parameters: () => ({ routes: routes(), share: share() }),
  order({ routes, share }, { traffic }) {
    return {
      requested: share,
      unit: "of the requests",
      async inject({ signal, random, applied, measureBy }) {
        let matched = 0;
        let hung = 0;
        measureBy(() => (matched === 0 ? undefined : hung / matched));
        const rule = {
          matches: pathMatcher(routes),
          decide() {
            matched += 1;
            if (random() >= share) return undefined;
            hung += 1;
            return { kind: "hang" } as const;
          },
        };
        applied();
        await traffic.apply(rule, signal);
      },
    };
  },
});
