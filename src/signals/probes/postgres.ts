/**
 * The probe of PostgreSQL: the message that starts a session, and whether the server takes it. It never
 * signs in, so that it needs no password.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

import { printable } from "../../text/printable.ts";
import { hostOf } from "./address.ts";
import { exchange } from "./exchange.ts";
import type { ProbeAnswer, ProbeLimits } from "./probe.ts";

const PROTOCOL_3_0 = 196_608;
const DEFAULT_USER = "postgres";
const MAX_SHOWN = 200;
const HEADER_BYTES = 5;

/**
 * Classes of SQLSTATE that are the server's own trouble: it has no room (53, too many connections), an
 * operator or a start holds it up (57, starting up, shutting down), its system or itself fails (58, XX, F0).
 * Any other refuses this user or database, and so is an answer of a server that works.
 */
const TROUBLES = ["53", "57", "58", "XX", "F0"];

/** @param url a password in it is not sent */
export function probePostgres(url: string, limits: ProbeLimits): Promise<ProbeAnswer> {
  const { username, pathname } = new URL(url);
  const user = decodeURIComponent(username) || DEFAULT_USER;
  const database = decodeURIComponent(pathname.slice(1)) || user;
  const question = startupMessage({ user, database, application_name: "sentinel" });
  return exchange({ ...hostOf(url), isTls: false, question, read: readMessage }, limits);
}

function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(parameters).flat();
  const body = Buffer.from(`${texts.map((text) => `${text}\0`).join("")}\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + body.length, 0);
  head.writeInt32BE(PROTOCOL_3_0, 4);
  return Buffer.concat([head, body]);
}

/** The first message decides: `R` asks to sign in, `v` for another version, `E` is an error. */
function readMessage(received: Buffer): ProbeAnswer | undefined {
  const kind = String.fromCharCode(received[0] ?? 0);
  if (!"REv".includes(kind)) throw new Error("it does not answer as PostgreSQL does");
  if (received.length < HEADER_BYTES) return undefined;
  if (kind !== "E") return { ok: true, message: "takes sessions" };
  const length = received.readInt32BE(1);
  if (received.length < 1 + length) return undefined;
  const fields = new Map<string, string>();
  for (const field of received.toString("utf8", HEADER_BYTES, length).split("\0"))
    fields.set(field.slice(0, 1), field.slice(1));
  const state = fields.get("C") ?? "";
  const error = printable(fields.get("M") ?? "an error without words", MAX_SHOWN);
  const ok = !TROUBLES.includes(state.slice(0, 2));
  return { ok, message: ok ? `answers: ${error}` : error };
}
