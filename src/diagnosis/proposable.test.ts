import { describe, expect, test } from "bun:test";
import { type ActionId, type Allowlist, allowlistFor } from "../allowlist.ts";
import { proposableActions } from "./proposable.ts";

const SERVICE = "sentinel-target-api";
const COMPOSE = { project: "shop", service: "api", files: ["/srv/compose.yaml"] };
const contained = allowlistFor(SERVICE);
const composed = allowlistFor(SERVICE, { platform: "docker", usesCompose: true, compose: COMPOSE });
const supervised = allowlistFor(SERVICE, { platform: "process" });

describe("what is proposed", () => {
  const ids = (table: Allowlist, unattended: readonly ActionId[]) =>
    proposableActions(table, unattended).map(({ id }) => id);

  test.each<{
    readonly name: string;
    readonly table?: Allowlist;
    readonly unattended: readonly ActionId[];
    readonly expected: readonly ActionId[];
  }>([
    {
      name: "A6: where only one restart needs no person, that one",
      table: contained,
      unattended: ["compose-restart"],
      expected: ["docker-stop", "compose-restart", "compose-up"],
    },
    {
      name: "of several that need no person all of them",
      unattended: ["docker-restart", "compose-service-restart", "compose-service-up"],
      expected: ["docker-restart", "docker-stop", "compose-service-restart", "compose-service-up"],
    },
    {
      name: "where each needs one, nothing that acts on other services",
      unattended: [],
      expected: ["docker-restart", "docker-stop", "compose-service-restart", "compose-service-up"],
    },
    {
      name: "unless nothing else has that effect",
      table: contained,
      unattended: [],
      expected: ["docker-restart", "docker-stop", "compose-up"],
    },
    {
      name: "what is not offered is not proposed, whoever allows it",
      table: supervised,
      unattended: ["docker-restart"],
      expected: ["supervisor-restart", "supervisor-stop", "supervisor-start"],
    },
  ])("$name", ({ table = composed, unattended, expected }) => {
    expect(ids(table, unattended)).toEqual([...expected]);
  });
});
