/** Asks an engine's API over whatever it is reached by, in a version that both sides know. */

import { Agent, type IncomingMessage, request, type RequestOptions } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { z } from "zod";
import { unlessAborted } from "../../core/abort.ts";
import { printable } from "../../text/printable.ts";
import { maskText } from "../../text/redact.ts";
import { messageOf } from "../../core/errors.ts";
import { parseJson } from "../../text/json.ts";
import { type JsonBounds, JsonCost } from "../../text/json-cost.ts";
import type { DockerConnection, Environment } from "./connection.ts";
import { DialStdioAgent } from "./dial-stdio.ts";
import { chooseVersion } from "./versions.ts";

/** Bounds of the list of containers: an engine with 5,000 of them stays within. */
const LIST_BOUNDS = {
  maxBytes: 8 * 1024 * 1024,
  maxNodes: 500_000,
  maxNames: 10_000,
  maxDepth: 32,
} as const satisfies JsonBounds;

/** Bounds of every other answer. As many are held at once as there are connections. */
const BOUNDS = {
  maxBytes: 512 * 1024,
  maxNodes: 20_000,
  maxNames: 2000,
  maxDepth: 32,
} as const satisfies JsonBounds;

const MAX_SENTENCE = 300;
/** How much is read of what an engine, or a proxy in front of it, says about a failure. */
const MAX_WORDS = 4096;

/** Questions at once: an engine answers hundreds, but each connection of ssh is a process. */
const MAX_CONNECTIONS = 64;
const MAX_SSH_CONNECTIONS = 4;

/** The time that the command gives ssh to connect. */
const SSH_DEADLINE_MS = 30_000;

/** Thrown without any answer: the engine cannot be reached, or was too slow. */
export class NoAnswerError extends Error {
  override readonly name = "NoAnswerError";
}

/** Thrown at an answer that is larger than what is read. */
class ExcessError extends Error {
  override readonly name = "ExcessError";
}

/** How an engine calls itself. */
interface Engine {
  readonly product: "Docker" | "Podman";
  readonly version: string;
  /** The version of the API that is spoken with it. */
  readonly apiVersion: string;
}

export interface DockerApi {
  /** Where the engine is, for people. */
  readonly shown: string;
  /** Asked once, and again after a failure: an engine may be replaced by a newer one. */
  engine(signal: AbortSignal): Promise<Engine>;
  /**
   * The answer to a GET of the versioned path, such as `containers/json`.
   *
   * @returns `undefined` if what was asked for does not exist
   * @throws Error with the engine's own sentence, on one line; `NoAnswerError` if it said none
   */
  get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T | undefined>;
  /** Closes all connections; a later question opens new ones. */
  close(): void;
}

const versionSchema = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  MinAPIVersion: z.string().optional(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
});

const refusalSchema = z.object({ message: z.string() });

/**
 * @param env of a `docker` command, where one is needed to reach the engine
 * @see https://docs.docker.com/reference/api/engine/
 */
export function createDockerApi(connection: DockerConnection, env: Environment): DockerApi {
  const { shown } = connection;
  const transport = createTransport(connection, env);
  let known: Engine | undefined;

  async function answer(path: string, signal: AbortSignal): Promise<Answer> {
    try {
      return await transport.get(path, signal);
    } catch (error) {
      if (error instanceof ExcessError)
        throw new Error(`${shown} answers GET ${path} with ${error.message}`, { cause: error });
      known = undefined;
      const why = signal.aborted ? "not in time" : reasonOf(error);
      const message = `no answer from the Docker engine at ${shown} (${why})${remedyOf(why)}`;
      throw new NoAnswerError(message, { cause: error });
    }
  }

  async function engine(signal: AbortSignal): Promise<Engine> {
    if (known !== undefined) return known;
    const versions = read(await answer("/version", signal), "version", versionSchema);
    if (versions === undefined) throw new Error(`what answers at ${shown} is no Docker engine`);
    const { Version: version, ApiVersion, MinAPIVersion, Components } = versions;
    const apiVersion = chooseVersion({ newest: ApiVersion, oldest: MinAPIVersion });
    const isPodman = Components?.some(({ Name }) => Name === "Podman Engine") === true;
    const product = isPodman ? "Podman" : "Docker";
    if (apiVersion === undefined)
      throw new Error(
        `${product} ${version} at ${shown} has API ${ApiVersion} and at least 1.24 is needed; update the engine`,
      );
    known = { product, version, apiVersion };
    return known;
  }

  function read<T>({ status, text }: Answer, path: string, schema: z.ZodType<T>): T | undefined {
    if (status === 404) return undefined;
    if (status !== 200) {
      // An engine that was replaced may have dropped the version that was agreed on.
      if (status === 400) known = undefined;
      const sentence = sentenceOf(text);
      const remedy = NEEDS_TLS.test(sentence) ? `; ${SET_TLS}` : "";
      throw new Error(`${shown} answers ${status} to GET ${path}: ${sentence}${remedy}`);
    }
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const [what = ""] = z.prettifyError(parsed.error).split("\n", 1);
    throw new Error(`${shown} answers GET ${path} in an unknown form: ${what.replace(/^\W+/, "")}`);
  }

  return {
    shown,
    engine,
    async get(path, schema, signal) {
      const { apiVersion } = await engine(signal);
      return read(await answer(`/v${apiVersion}/${path}`, signal), path, schema);
    },
    close: transport.close,
  };
}

/** Such as `Docker 20.10.24, API 1.41, at unix:///var/run/docker.sock`. */
export async function describeEngine(api: DockerApi, signal: AbortSignal): Promise<string> {
  const { product, version, apiVersion } = await api.engine(signal);
  return `${product} ${printable(version, 60)}, API ${apiVersion}, at ${api.shown}`;
}

/** The engine's own words; of a proxy in front of it, the beginning of its page. */
function sentenceOf(text: string): string {
  const parsed = refusalSchema.safeParse(parseJson(text));
  const words = parsed.success
    ? parsed.data.message.slice(0, MAX_WORDS)
    : text.slice(0, MAX_WORDS).replace(/<[^<>]*>/g, " ");
  const sentence = words.replace(/\s+/g, " ").trim();
  return printable(maskText(sentence || "no reason given"), MAX_SENTENCE);
}

/** The code alone where there is one: it is what a person can look up. */
function reasonOf(error: unknown): string {
  return printable(maskText(codeOf(error) ?? messageOf(error)), MAX_SENTENCE);
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

const NEEDS_TLS = /HTTP request to an HTTPS server/;
const SET_TLS = "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH";

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: "start the engine, or set DOCKER_HOST to where it listens",
  ECONNREFUSED: "start the engine, or set DOCKER_HOST to where it listens",
  ENOTFOUND: "correct the host's name in DOCKER_HOST",
  EACCES: "let this user use the engine, for example by the group docker",
  ECONNRESET: `if the engine expects TLS, ${SET_TLS}`,
};

function remedyOf(why: string): string {
  const remedy = REMEDIES[why];
  return remedy === undefined ? "" : `; ${remedy}`;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

interface Transport {
  get(path: string, signal: AbortSignal): Promise<Answer>;
  close(): void;
}

function createTransport({ address, certificates }: DockerConnection, env: Environment): Transport {
  const pool = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
  switch (address.kind) {
    case "unix":
      return over(request, new Agent(pool), { socketPath: address.path });
    case "tcp": {
      const { host, port, prefix } = address;
      if (certificates === undefined) return over(request, new Agent(pool), { host, port }, prefix);
      const { ca, cert, key, isVerified: rejectUnauthorized } = certificates;
      const tls = {
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        rejectUnauthorized,
      };
      return over(tlsRequest, new TlsAgent({ ...pool, ...tls }), { host, port, ...tls }, prefix);
    }
    case "ssh": {
      const agent = new DialStdioAgent(env, { ...pool, maxSockets: MAX_SSH_CONNECTIONS });
      const { get, close } = over(request, agent, { host: "docker" });
      return {
        close,
        // A caller without time to wait leaves the connection that was begun to the next one.
        get: (path, signal) =>
          unlessAborted(
            get(path, AbortSignal.timeout(SSH_DEADLINE_MS)).catch(async (cause: unknown) => {
              throw new Error((await agent.lastWords()) || reasonOf(cause), { cause });
            }),
            signal,
          ),
      };
    }
  }
}

function over(send: typeof request, agent: Agent, to: RequestOptions, prefix = ""): Transport {
  return {
    get: (path, signal) => ask(send, { ...to, agent, path: `${prefix}${path}`, signal }),
    close: () => agent.destroy(),
  };
}

/** Rejects when the signal aborts, however far the answer is. */
function ask(send: typeof request, options: RequestOptions): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const asked = send(options, (response) => {
    const bounds = isList(options.path) ? LIST_BOUNDS : BOUNDS;
    readBody(response, bounds).then(
      (text) => resolve({ status: response.statusCode ?? 0, text }),
      reject,
    );
  });
  asked.on("error", (error) => {
    // Its other end has closed it meanwhile, as proxies do with what is idle: the question was not read.
    if (asked.reusedSocket && codeOf(error) === "ECONNRESET") resolve(ask(send, options));
    else reject(error);
  });
  asked.end();
  return promise;
}

function isList(path: string | null | undefined): boolean {
  return /\/containers\/json(?:\?|$)/.test(path ?? "");
}

/** Counted while it arrives, so that what is too much is never parsed. */
async function readBody(response: IncomingMessage, bounds: JsonBounds): Promise<string> {
  const cost = new JsonCost(bounds);
  const chunks: Uint8Array[] = [];
  for await (const chunk of response) {
    const excess = cost.add(chunk);
    // Leaving the loop closes the connection.
    if (excess !== undefined) throw new ExcessError(excess);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}
