/** Asks the engine for what it knows of a container beside its state. */

import type { SurroundingsReader } from "../../core/ports.ts";
import { ask, type DockerOptions, isMissing, requireName, requireSuccess } from "./docker.ts";
import { readBeside, readEvents, readSetup } from "./read-surroundings.ts";

export function surroundingsReader(options: DockerOptions = {}): SurroundingsReader {
  return {
    async setup(container, abort) {
      requireName(container);
      const argv = ["docker", "container", "inspect", "--format", "{{json .}}", "--", container];
      const result = await ask(argv, options, abort);
      if (isMissing(result)) return undefined;
      return readSetup(requireSuccess(result).stdout);
    },

    async events(names, sinceMs, abort) {
      const since = String(Math.max(Math.floor(sinceMs / 1000), 1));
      const kinds = EVENTS.flatMap((name) => ["--filter", `event=${name}`]);
      const span = ["--since", since, "--until", "0s"];
      const argv = ["docker", "events", ...span, ...kinds, "--format", "{{json .}}"];
      // An engine finds no network's events by a container, so they are chosen here.
      return readEvents(requireSuccess(await ask(argv, options, abort)).stdout, names);
    },

    async beside(abort) {
      const argv = ["docker", "ps", "--all", "--format", BESIDE_TEMPLATE];
      const { stdout } = requireSuccess(
        await ask(argv, { ...options, maxOutputBytes: MAX_BESIDE_BYTES }, abort),
      );
      return readBeside(stdout);
    },
  };
}

/** Events of a container, and of a network that it is on. */
const EVENTS = [
  ...["create", "destroy", "start", "die", "oom", "stop", "kill", "restart"],
  ...["pause", "unpause", "update", "rename", "connect", "disconnect"],
];

const BESIDE_TEMPLATE = [
  ...["{{json .Names}}", "{{json .State}}", "{{json .Status}}", "{{json .Networks}}"],
  '{{json (.Label "com.docker.compose.project")}}',
  '{{json (.Label "com.docker.compose.service")}}',
].join(" ");

const MAX_BESIDE_BYTES = 1024 * 1024;
