/** What a person may say to the observer over HTTP, with a token. */

import { Elysia } from "elysia";
import { SentinelError } from "../core/errors.ts";
import {
  answerRequest,
  openRequests,
  pause,
  readPause,
  readResume,
  resumeAutomation,
  type KnownServices,
  type Said,
} from "../decision/operator-commands.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/incident-record.ts";
import { snakeFields } from "../text/snake-json.ts";
import { createTokenGate, type TokenGate, type TokenRefusal } from "../core/token-gate.ts";

export interface OperatorDesk {
  /** The token that operators need; without one nobody may say anything over HTTP. */
  readonly token: string | undefined;
  readonly nowMs: () => number;
  /** All incidents that are kept. */
  records(): Promise<readonly IncidentRecord[]>;
  /** The services that may be paused. */
  services(): KnownServices;
  /** Keeps what was said. @throws SentinelError `journal_unavailable` */
  commit(entry: NewJournalEntry): Promise<unknown>;
  /** Counts what was refused for its token. */
  onRefused(refusal: TokenRefusal): void;
  /** Reports such refusals to a person, once a minute for each address. */
  tell(text: string): void;
}

/** The address of whoever sent a request. */
type AddressOf = (request: Request) => string;

/** Who gave an answer over HTTP: nothing more is known. */
const BY = "whoever has OPERATOR_TOKEN";

/** `/approvals`, `/pause` and `/resume`; errors are `{error, message}`. */
export function operatorApi(desk: OperatorDesk, addressOf: AddressOf) {
  const { token, nowMs, records, services, commit } = desk;
  const gate = token === undefined ? undefined : createTokenGate(token);
  const saying = () => ({ by: BY, atMs: nowMs() });
  const say = async ({ entry, meaning }: Said) => {
    await commit(entry);
    return { message: meaning };
  };
  // What cannot be decoded is null, whatever its type says.
  const answer = async (text: string | null, answer: "approved" | "denied") =>
    say(answerRequest({ text: text ?? "", answer }, await records(), saying()));

  return new Elysia()
    .onError(({ error }) => toAnswer(error))
    .guard(
      { beforeHandle: ({ request }) => requireToken(request, { gate, desk, addressOf }) },
      (guarded) =>
        guarded
          .get("/approvals", async () => ({
            waiting: openRequests(await records(), nowMs()).map(snakeFields),
          }))
          .post("/approvals/:id/approve", ({ params }) => answer(params.id, "approved"))
          .post("/approvals/:id/deny", ({ params }) => answer(params.id, "denied"))
          .post(
            "/pause",
            async ({ request }) =>
              say(pause(readPause(await request.text()), services(), saying())),
            { parse: "none" },
          )
          .post(
            "/resume",
            async ({ request }) => {
              const service = readResume(await request.text());
              return say(resumeAutomation(service, services(), saying()));
            },
            { parse: "none" },
          ),
    );
}

const MESSAGES = {
  missing: "it needs Authorization: Bearer, with OPERATOR_TOKEN",
  wrong: "a wrong token",
  throttled: "too many wrong tokens came from this address",
} as const satisfies Record<TokenRefusal, string>;

interface Door {
  /** The check of tokens; without one, everybody is refused. */
  readonly gate: TokenGate | undefined;
  readonly desk: Pick<OperatorDesk, "onRefused" | "tell">;
  readonly addressOf: AddressOf;
}

function requireToken(request: Request, { gate, desk, addressOf }: Door): Response | undefined {
  if (gate === undefined)
    return refusal(403, "forbidden", "set OPERATOR_TOKEN for this, or use the command line");
  const address = addressOf(request);
  const answer = gate.check(request.headers.get("authorization"), address, performance.now());
  if (answer.kind === "right") return undefined;
  const { kind, retryAfterS, toTell } = answer;
  desk.onRefused(kind);
  if (toTell !== undefined)
    desk.tell(
      `requests refused from ${address} since the last notice: ${toTell}; the latest: ${MESSAGES[kind]}`,
    );
  const isThrottled = kind === "throttled";
  const refused = isThrottled
    ? refusal(429, "too_many_attempts", MESSAGES[kind])
    : refusal(401, "unauthorized", MESSAGES[kind]);
  if (isThrottled) refused.headers.set("retry-after", String(retryAfterS));
  else refused.headers.set("www-authenticate", "Bearer");
  return refused;
}

function toAnswer(error: unknown): Response | undefined {
  if (!(error instanceof SentinelError)) return undefined;
  const message = [error.message, error.hint].filter(Boolean).join(". ");
  const isWrong = error.code === "usage" || error.code === "configuration";
  return isWrong ? refusal(422, "invalid", message) : refusal(503, "unavailable", message);
}

function refusal(status: number, error: string, message: string): Response {
  return Response.json({ error, message }, { status });
}
