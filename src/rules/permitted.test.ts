import { describe, expect, test } from "bun:test";
import { type ActionId, allowlistFor, type Permit } from "../allowlist.ts";
import { allowlist as composed, service } from "../../test/support/fixtures.ts";
import { CURES, permittedActions, REVIVALS } from "./permitted.ts";

const contained = allowlistFor("svc");
const supervised = allowlistFor("svc", { platform: "process" });
/** All that acts on a whole project. */
const WIDE: readonly ActionId[] = ["compose-restart", "compose-up", "compose-stop"];

describe("what a rule permits", () => {
  test.each<{
    readonly name: string;
    readonly permits: readonly Permit[];
    readonly allowlist?: typeof supervised;
    readonly actions?: readonly ActionId[];
    readonly expected: readonly ActionId[];
  }>([
    {
      name: "of a container that Compose has made: what restarts it alone, narrowest first",
      permits: CURES,
      expected: ["docker-restart", "compose-service-restart"],
    },
    {
      name: "one that is down: what brings it back, the narrowest of each effect first",
      permits: REVIVALS,
      expected: ["docker-restart", "compose-service-up", "compose-service-restart"],
    },
    {
      name: "what acts on other services is for one that names it",
      permits: CURES,
      actions: WIDE,
      expected: ["docker-restart", "compose-service-restart", "compose-restart"],
    },
    {
      name: "after what is for one alone comes what is for all, for a service that names it",
      permits: REVIVALS,
      actions: WIDE,
      expected: [
        ...(["docker-restart", "compose-service-up", "compose-service-restart"] as const),
        ...(["compose-restart", "compose-up"] as const),
      ],
    },
    {
      name: "of a container that Compose has not made, which names what acts on all",
      permits: REVIVALS,
      allowlist: contained,
      actions: WIDE,
      expected: ["docker-restart", "compose-up", "compose-restart"],
    },
    {
      name: "of a process: its own",
      permits: REVIVALS,
      allowlist: supervised,
      expected: ["supervisor-restart", "supervisor-start"],
    },
    {
      name: "an id is itself, offered or not, and stays in its place",
      permits: ["compose-up", "supervisor-restart", "docker-restart"],
      expected: ["compose-up", "supervisor-restart", "docker-restart"],
    },
    {
      name: "an id beside effects, and what is there twice is there once",
      permits: ["compose-service-up", "restart", "docker-restart", "start"],
      expected: ["compose-service-up", "docker-restart", "compose-service-restart"],
    },
    {
      name: "a stop is permitted where a rule says so",
      permits: ["stop"],
      expected: ["docker-stop"],
    },
    { name: "an effect that nothing here has: nothing", permits: ["rollback"], expected: [] },
    { name: "nothing: nothing", permits: [], expected: [] },
    { name: "where nothing is offered: nothing", permits: REVIVALS, allowlist: {}, expected: [] },
  ])("$name", ({ permits, allowlist = composed, actions, expected }) => {
    const of = service(actions === undefined ? {} : { actions });
    expect(permittedActions(permits, { service: of, allowlist })).toEqual([...expected]);
  });
});
