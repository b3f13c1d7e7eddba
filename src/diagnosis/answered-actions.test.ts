/** What a model's answer may name. */

import { expect, test } from "bun:test";
import fc from "fast-check";
import { actionStrings } from "../../test/support/action-strings.ts";
import { allowlistFor } from "../allowlist.ts";
import { readAnswer } from "./model-answer.ts";

const SEED = 20_250_101;
const allowlist = {
  ...allowlistFor("sentinel-target-api", {
    platform: "docker",
    usesCompose: true,
    compose: { project: "shop", service: "api", files: ["/srv/compose.yaml"] },
  }),
  ...allowlistFor("sentinel-target-api", { platform: "process" }),
};
const SPELLINGS = Object.values(allowlist).flatMap(({ spellings }) => spellings);

test("of 5,000 generated answers none names an action by another spelling than an accepted one", () => {
  fc.assert(
    fc.property(actionStrings(SPELLINGS), (text) => {
      fc.pre(!SPELLINGS.includes(text) && text !== "none");
      const answer = { root_cause: "x", severity: "critical" };
      const written = JSON.stringify({ ...answer, remediation_step: text });
      const asked = { allowlist, evidence: { severity: "high" as const } };
      expect(readAnswer({ text: written }, asked).action).toBe("none");
    }),
    { numRuns: 5000, seed: SEED },
  );
}, 60_000);
