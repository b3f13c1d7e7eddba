/** The loop over a service that is gone for good. */

import { describe, expect, test } from "bun:test";
import { type Story, tell } from "../../test/support/story.ts";
import { ofType, hot, again } from "../../test/support/loop-story.ts";
import { GONE } from "./service-loop.ts";

describe("a service that is gone for good", () => {
  const approving: Story = { script: hot, policy: { autonomy: "approve" }, untilMs: 300_000 };

  test("ends what waits for a person, and what a restart had cut short", async () => {
    const stop = new AbortController();
    const told = await tell({
      ...approving,
      stop,
      serviceContext: (clock) => (clock.at(60_000, () => stop.abort(GONE)), {}),
    });
    expect(ofType(told, "approval_requested")).toHaveLength(1);
    expect(told.closings).toMatchObject([{ result: "skipped", reason: "container_replaced" }]);
  });

  test("and one that is only not watched for now leaves them", async () => {
    const told = await tell({ ...approving, untilMs: 60_000 });
    expect(told.closings).toEqual([]);
  });

  test("ends an incident of before the restart whose command is in flight", async () => {
    const first = await tell({ script: hot, killInAction: true, untilMs: 60_000 });
    const stop = new AbortController();
    const { clock } = first;
    const atMs = clock.elapsedMs + 7000;
    const told = await tell({
      ...again(first),
      script: hot,
      stop,
      serviceContext: () => (clock.at(atMs, () => stop.abort(GONE)), {}),
    });
    expect(told.closings).toMatchObject([
      {
        result: "acted",
        verdict: {
          kind: "unknown",
          reason: "its container is gone, so nothing shows whether it is well",
        },
      },
    ]);
  });
});
