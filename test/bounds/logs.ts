/** What a container may write to its log. The engine's answer has a head of 8 bytes before each piece. */

import { MIB, once } from "./bodies.ts";

export interface LogInput {
  readonly name: string;
  readonly log: () => Response;
}

const STAMP = "2026-01-01T00:00:00.000000000Z ";

function framed(text: string | Uint8Array, stream = 1): Uint8Array<ArrayBuffer> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const whole = new Uint8Array(8 + bytes.length);
  whole[0] = stream;
  new DataView(whole.buffer).setUint32(4, bytes.length);
  whole.set(bytes, 8);
  return whole;
}

const log = (name: string, make: () => string | Uint8Array): LogInput => {
  const body = once(() => framed(make()));
  return { name: `a log: ${name}`, log: () => new Response(body()) };
};
const lines = (count: number, line: string) => `${STAMP}${line}\n`.repeat(count);

/** Lines that have as much of what is looked for as there is room for, and never all of it. */
const NEAR_SECRETS = [
  "password=".repeat(220),
  `${"a-".repeat(900)}password`,
  `key: [${'\\\\\\"token\\\\\\":'.repeat(120)}`,
  `-----BEGIN ${"A ".repeat(900)}PRIVATE KEY-----`,
  `${"a://b:".repeat(300)}@`,
  `{"name":"${"x_password_".repeat(150)}","value":`,
  `eyJ${"a.".repeat(900)}`,
  `--token ${'"'.repeat(1800)}`,
  `${"login a password ".repeat(110)}`,
  `${"\u001b[0;".repeat(400)}m`,
  `<password ${"a ".repeat(900)}`,
  `${"Bearer ".repeat(280)}`,
  `${"a@".repeat(900)}.b`,
  `sk-${"_a-".repeat(600)}`,
];

export const LOGS: readonly LogInput[] = [
  log("a line of 50 MB, without an end", () => STAMP + "x".repeat(50 * MIB)),
  log("a million lines", () => lines(1_000_000, "a")),
  log("a million line ends", () => "\n".repeat(MIB)),
  log("10 MB of zero bytes", () => new Uint8Array(10 * MIB)),
  log("10 MB that are no UTF-8", () => new Uint8Array(10 * MIB).fill(0xff)),
  log("colours and cursors alone", () => lines(20_000, "\u001b[31m\u001b[2J\u001b]0;a\u0007")),
  log("JSON, a thousand deep in each line", () =>
    lines(2000, `{"a":${"[".repeat(500)}${"]".repeat(500)}}`),
  ),
  log("what nearly is a secret, in each line", () =>
    Array.from(
      { length: 1000 },
      (_, i) => `${STAMP}${NEAR_SECRETS[i % NEAR_SECRETS.length]}\n`,
    ).join(""),
  ),
  log("30,000 private keys, none with an end", () =>
    lines(30_000, "-----BEGIN RSA PRIVATE KEY-----"),
  ),
  log("times alone", () => STAMP.repeat(30_000)),
  {
    name: "a log: without an end",
    log() {
      const piece = framed(lines(1000, "a"));
      let pieces = 0;
      return new Response(
        new ReadableStream({
          // Ends after all, at 200 MB: what reads it to its end must end as well.
          pull(controller) {
            pieces += 1;
            if (pieces * piece.length > 200 * MIB) controller.close();
            else controller.enqueue(piece);
          },
        }),
      );
    },
  },
];
