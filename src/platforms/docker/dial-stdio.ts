/** Connections to an engine that only the `docker` command reaches, such as one by ssh. */

import { Agent, type AgentOptions } from "node:http";
import { Duplex } from "node:stream";
import type { Environment } from "./connection.ts";

/** How long what a command said is waited for once its connection has failed. */
const WORDS_GRACE_MS = 500;

/**
 * Each connection is a `docker system dial-stdio`, whose standard input and output are the engine's
 * socket: the command does the same on the other side of ssh. It ends when its connection does, and
 * when Sentinel does, since its input is closed then.
 */
export class DialStdioAgent extends Agent {
  readonly #env: Environment;
  #stderr = Promise.resolve("");

  /** @param env what makes the command use that engine */
  constructor(env: Environment, options: AgentOptions) {
    super(options);
    this.#env = env;
  }

  /** Why the newest command failed, as it wrote on standard error; empty while it runs. */
  async lastWords(): Promise<string> {
    const text = await Promise.race([this.#stderr, Bun.sleep(WORDS_GRACE_MS).then(() => "")]);
    return reasonIn(text);
  }

  override createConnection(): Duplex {
    if (Bun.which("docker", { PATH: this.#env["PATH"] ?? "" }) === null)
      throw new Error("the docker command, which leads there, is not on the PATH");
    const child = Bun.spawn(["docker", "system", "dial-stdio"], {
      env: { ...this.#env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.#stderr = new Response(child.stderr).text();
    return streamOf(child);
  }

  /** Those of the base class set options of a socket, which a pipe does not have. */
  override keepSocketAlive(): true {
    return true;
  }

  override reuseSocket(): void {}
}

/**
 * What ssh itself said stands behind a sentence of the command, which may go on to say that a pipe broke:
 * that is what came of the failure, not why.
 */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  const said = lines.map((line) => /\bstderr=(\S.*)$/.exec(line)?.[1]);
  return said.findLast((words) => words !== undefined) ?? lines.at(-1) ?? "";
}

function streamOf(child: Bun.Subprocess<"pipe", "pipe", "pipe">): Duplex {
  const reader = child.stdout.getReader();
  return new Duplex({
    write(chunk: Uint8Array, _encoding, done) {
      // A command that has ended tells so by the end of its output.
      const written = async () => {
        child.stdin.write(chunk);
        await child.stdin.flush();
      };
      void written().then(() => done(), done);
    },
    final(done) {
      const ended = async () => await child.stdin.end();
      void ended().then(() => done(), done);
    },
    read() {
      reader.read().then(
        ({ value, done }) => this.push(done ? null : value),
        () => this.push(null),
      );
    },
    destroy(error, done) {
      child.kill();
      done(error);
    },
  });
}
