/** What a person may say to the observer over HTTP, with a token. */

import { Elysia } from "elysia";
import { checkBearer } from "../core/bearer.ts";
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
} from "../core/operator.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import type { IncidentRecord } from "../core/record.ts";

export interface OperatorDesk {
  /** `undefined`: nobody may say anything over HTTP. */
  readonly token: string | undefined;
  readonly nowMs: () => number;
  /** All incidents that are kept. */
  records(): readonly IncidentRecord[];
  /** Those that may be paused. */
  services(): KnownServices;
  /** @throws SentinelError `journal_unavailable` */
  append(entry: NewJournalEntry): void;
}

/** Who it was is not known beyond that. */
const BY = "whoever has OPERATOR_TOKEN";

/** `/approvals`, `/pause` and `/resume`; errors are `{error, message}`. */
export function operatorApi({ token, nowMs, records, services, append }: OperatorDesk) {
  const saying = () => ({ by: BY, atMs: nowMs() });
  const say = ({ entry, meaning }: Said) => {
    append(entry);
    return { message: meaning };
  };
  // What cannot be decoded is null, whatever its type says.
  const answer = (text: string | null, answer: "approved" | "denied") =>
    say(answerRequest({ text: text ?? "", answer }, records(), saying()));

  return new Elysia()
    .onError(({ error }) => toAnswer(error))
    .guard({ beforeHandle: ({ request }) => requireToken(request, token) }, (guarded) =>
      guarded
        .get("/approvals", () => ({ waiting: openRequests(records(), nowMs()) }))
        .post("/approvals/:id/approve", ({ params }) => answer(params.id, "approved"))
        .post("/approvals/:id/deny", ({ params }) => answer(params.id, "denied"))
        .post(
          "/pause",
          async ({ request }) => say(pause(readPause(await request.text()), services(), saying())),
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

function requireToken({ headers }: Request, token: string | undefined): Response | undefined {
  if (token === undefined)
    return refusal(403, "forbidden", "set OPERATOR_TOKEN for this, or use the command line");
  const found = checkBearer(headers.get("authorization"), token);
  if (found === "right") return undefined;
  const message =
    found === "missing" ? "it needs Authorization: Bearer, with OPERATOR_TOKEN" : "a wrong token";
  const unauthorized = refusal(401, "unauthorized", message);
  unauthorized.headers.set("www-authenticate", "Bearer");
  return unauthorized;
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
