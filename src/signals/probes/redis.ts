/**
 * The probe of Redis, and of what speaks its protocol (Valkey, KeyDB, Dragonfly): PING.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */

import { printable } from "../../text/printable.ts";
import { hostOf } from "./address.ts";
import { exchange } from "./exchange.ts";
import type { ProbeAnswer, ProbeLimits } from "./probe.ts";

/** How much of an error is repeated. */
const MAX_SHOWN = 200;

/**
 * Errors of a server that works and does not let us in: of the settings, which no restart cures. Any other,
 * such as LOADING, BUSY, MISCONF and MASTERDOWN, is one of the server.
 */
const REFUSALS = ["NOAUTH", "WRONGPASS", "NOPERM", "DENIED"];

/** An ERR that is the server's own trouble. */
const OUT_OF_CLIENTS = /^ERR max number of clients/i;

/** @param url a user and a password in it are sent by AUTH, and never repeated */
export function probeRedis(url: string, limits: ProbeLimits): Promise<ProbeAnswer> {
  const { username, password, protocol } = new URL(url);
  const secrets = [username, password].filter((part) => part !== "").map(decodeURIComponent);
  const commands = password === "" ? [["PING"]] : [["AUTH", ...secrets], ["PING"]];
  return exchange(
    {
      ...hostOf(url),
      isTls: protocol === "rediss:",
      question: Buffer.concat(commands.map(encode)),
      read: (received) => readReply(received, commands.length),
    },
    limits,
  );
}

/** As an array of bulk strings, which takes any password. */
function encode(words: readonly string[]): Buffer {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`);
}

/** The last of so many replies, each a line. What AUTH was answered shows in what PING is. */
function readReply(received: Buffer, count: number): ProbeAnswer | undefined {
  const text = received.toString("utf8");
  if (!/^[+-]/.test(text)) throw new Error("it does not answer as Redis does");
  const lines = text.split("\r\n").slice(0, -1);
  const [last] = lines.slice(count - 1);
  // A server that is full says so at once, and closes.
  const [first = ""] = lines;
  if (OUT_OF_CLIENTS.test(first.slice(1))) return judge(first);
  return last === undefined ? undefined : judge(last);
}

function judge(line: string): ProbeAnswer {
  if (line.startsWith("+")) return { ok: true, message: "answers PING" };
  const error = printable(line.slice(1), MAX_SHOWN);
  const [code = ""] = error.split(" ");
  if (REFUSALS.includes(code))
    return { ok: true, message: `answers, and wants another password than health has (${code})` };
  if (code === "ERR" && !OUT_OF_CLIENTS.test(error))
    return { ok: true, message: `answers PING with an error: ${error}` };
  return { ok: false, message: error };
}
