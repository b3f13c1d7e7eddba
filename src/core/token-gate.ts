/** Who may pass with a bearer token, and who has guessed too often to be asked. */

import { checkBearer } from "./bearer.ts";

/** Why a request was not let through. Closed: it is also a metric's label. */
export const TOKEN_REFUSALS = ["missing", "wrong", "throttled"] as const;
export type TokenRefusal = (typeof TOKEN_REFUSALS)[number];

type TokenAnswer =
  | { readonly kind: "right" }
  | {
      readonly kind: TokenRefusal;
      /** Seconds until a token of that address is looked at again; only of `throttled`. */
      readonly retryAfterS?: number;
      /** Refusals of that address since they were last told, if it is time to tell of them. */
      readonly toTell?: number;
    };

export interface TokenGate {
  /**
   * Wrong tokens cost: an address has 10 of them, and one more every 6 s. Past that a right
   * token is refused as a wrong one is, so that none of 5,000 guesses a second tells anything.
   *
   * @param address of the client; those of one IPv6 network of 64 bits are one
   * @param nowMs of a clock that never goes back
   */
  check(authorization: string | null, address: string, nowMs: number): TokenAnswer;
}

const MAX_FAILURES = 10;
const MS_PER_FAILURE = 6000;
const TELL_EVERY_MS = 60_000;

/** Addresses that are remembered; past it all further ones share one entry. */
const MAX_ADDRESSES = 1000;
const OTHERS = "others";

interface Client {
  /** Wrong tokens that it may still send, as of `atMs`; grows with time. */
  left: number;
  atMs: number;
  toldAtMs: number;
  untold: number;
}

export function createTokenGate(token: string): TokenGate {
  const clients = new Map<string, Client>();

  const clientOf = (address: string, nowMs: number): Client => {
    const network = networkOf(address);
    if (!clients.has(network) && clients.size >= MAX_ADDRESSES) forgetQuiet(clients, nowMs);
    const key = clients.has(network) || clients.size < MAX_ADDRESSES ? network : OTHERS;
    const client = clients.get(key) ?? fresh(nowMs);
    clients.set(key, client);
    const earned = Math.max(nowMs - client.atMs, 0) / MS_PER_FAILURE;
    client.left = Math.min(client.left + earned, MAX_FAILURES);
    client.atMs = nowMs;
    return client;
  };

  const refuse = (client: Client, kind: TokenRefusal, nowMs: number): TokenAnswer => {
    client.untold += 1;
    const wait = Math.ceil(((1 - client.left) * MS_PER_FAILURE) / 1000);
    const answer = kind === "throttled" ? { kind, retryAfterS: wait } : { kind };
    if (nowMs - client.toldAtMs < TELL_EVERY_MS) return answer;
    const toTell = client.untold;
    client.untold = 0;
    client.toldAtMs = nowMs;
    return { ...answer, toTell };
  };

  return {
    check(authorization, address, nowMs) {
      const found = checkBearer(authorization, token);
      const isKnown = clients.has(networkOf(address)) || clients.size >= MAX_ADDRESSES;
      // Nothing is kept of an address that has never failed.
      if (found === "right" && !isKnown) return { kind: "right" };
      const client = clientOf(address, nowMs);
      // Whoever sends none guesses nothing.
      if (found === "missing") return refuse(client, "missing", nowMs);
      if (client.left < 1) return refuse(client, "throttled", nowMs);
      if (found === "right") return { kind: "right" };
      client.left -= 1;
      return refuse(client, "wrong", nowMs);
    },
  };
}

function fresh(nowMs: number): Client {
  return { left: MAX_FAILURES, atMs: nowMs, toldAtMs: Number.NEGATIVE_INFINITY, untold: 0 };
}

/** Those that have earned all of their tries back. */
function forgetQuiet(clients: Map<string, Client>, nowMs: number): void {
  const wholeMs = MAX_FAILURES * MS_PER_FAILURE;
  for (const [key, { atMs }] of clients) if (nowMs - atMs >= wholeMs) clients.delete(key);
}

/** A person has as many addresses of IPv6 as she likes, but one network, which is its first four groups. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.split("::");
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const zeros = Array<string>(Math.max(GROUPS - before.length - after.length, 0)).fill("0");
  return [...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(":");
}

const GROUPS = 8;
const NETWORK_GROUPS = 4;

function groupsOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(":");
}
