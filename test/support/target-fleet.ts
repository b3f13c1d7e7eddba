/** Several targets in containers on a real engine, all healthy, to break one of them and look at the others. */

import { dirname, resolve } from "node:path";
import { sentinelBinary } from "./binary.ts";
import { startedAt, until } from "./containers.ts";
import { BUN_IMAGE, docker, uniqueName } from "./docker.ts";
import { freePort } from "./free-port.ts";

export interface FleetMember {
  /** Of its container. */
  readonly name: string;
  /** Where it is reached from outside of it. */
  readonly url: string;
}

export interface TargetFleet extends AsyncDisposable {
  readonly members: readonly FleetMember[];
  /** When each was last started, in their order. */
  startTimes(): Promise<readonly string[]>;
}

const FAULT_TOKEN = crypto.randomUUID();
/** The container listens on every address of its own, and is published on loopback alone. */
const SETTINGS = ["HOST=0.0.0.0", `FAULT_TOKEN=${FAULT_TOKEN}`];

/** Resolves when each of them answers. */
export async function startTargetFleet(what: string, size: number): Promise<TargetFleet> {
  const binary = resolve(sentinelBinary());
  const members: FleetMember[] = [];
  const fleet: TargetFleet = {
    members,
    startTimes: () => Promise.all(members.map(({ name }) => startedAt(name))),
    async [Symbol.asyncDispose]() {
      await docker("rm", "--force", ...members.map(({ name }) => name));
    },
  };
  for (let index = 0; index < size; index += 1) {
    const name = uniqueName(`${what}-${index}`);
    const port = freePort();
    members.push({ name, url: `http://127.0.0.1:${port}` });
    await docker(
      ...["run", "--detach", "--name", name, "--publish", `127.0.0.1:${port}:8000`],
      ...["--volume", `${dirname(binary)}/sentinel:/sentinel:ro`, "--entrypoint", "/sentinel"],
      ...SETTINGS.flatMap((setting) => ["--env", setting]),
      ...[BUN_IMAGE, "--role=target"],
    );
  }
  for (const { name, url } of members)
    await until(`an answer of ${name}`, () => answers(`${url}/health`));
  return fleet;
}

/** Holds so much more memory, until it is restarted. */
export async function leak({ url }: FleetMember, megabytes: number): Promise<void> {
  const body = JSON.stringify({ kind: "memory", megabytes, duration: 300 });
  const authorization = `Bearer ${FAULT_TOKEN}`;
  const headers = { "content-type": "application/json", authorization };
  const response = await fetch(`${url}/faults`, { method: "POST", headers, body });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { proxy: false }).catch(() => undefined);
  return response?.ok === true;
}
