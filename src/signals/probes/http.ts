/** The probe of HTTP: one GET, its status, and if wanted a text in its body. */

import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import { TLSSocket } from "node:tls";
import { shownUrl } from "../../text/url.ts";
import { seenCertificate, tlsOptions, whyNotTrusted } from "./certificate.ts";
import { type ProbeAnswer, type ProbeLimits, type Probing, runProbe } from "./probe.ts";

/** How much of a body is searched for a text. */
const MAX_BODY_BYTES = 64 * 1024;

interface HttpQuestion {
  /** A user and a password in it are sent as basic authentication, and never part of the message. */
  readonly http: string;
  /** A text that the first 64 KiB of the body have to have. */
  readonly body?: string;
}

/**
 * One GET; well is 2xx. A redirect is not followed, and no proxy is used: Docker puts the user's HTTP_PROXY
 * into containers, and `fetch` would ask it for 127.0.0.1 (which is why this is not `fetch`).
 */
export function probeHttp(
  { http: url, body }: HttpQuestion,
  limits: ProbeLimits,
): Promise<ProbeAnswer> {
  return runProbe(shownUrl(url), limits, (probing) => {
    const parsed = new URL(url);
    const isTls = parsed.protocol === "https:";
    const options = { agent: false, ...(isTls ? tlsOptions(parsed.hostname) : {}) };
    const request = (isTls ? requestHttps : requestHttp)(parsed, options);
    probing.hold(request);
    request.on("error", (error) => probing.fail(error.message));
    request.on("response", (response) => {
      const { statusCode = 0, socket } = response;
      const seen = { statusCode, ...(socket instanceof TLSSocket ? seenCertificate(socket) : {}) };
      const ok = statusCode >= 200 && statusCode < 300;
      const message = `${ok ? "healthy" : "unhealthy"} (status ${statusCode})`;
      // Without a text to look for, the status is all that is asked for: the body may be endless.
      if (!ok || body === undefined) probing.answer({ ...seen, ok, message });
      else findText(body, response, { probing, seen: { ...seen, ok, message } });
    });
    if (!isTls) {
      request.end();
      return;
    }
    // What is sent may be a password: not before the server has shown who it is.
    request.on("socket", (socket) => {
      socket.on("secureConnect", () => {
        if (!(socket instanceof TLSSocket)) return;
        const why = whyNotTrusted(socket);
        if (why === undefined) request.end();
        else probing.fail(why, seenCertificate(socket));
      });
    });
  });
}

/** Answers once the text is found, or once the body, or what is read of it, has ended without it. */
function findText(
  text: string,
  response: IncomingMessage,
  { probing, seen }: { readonly probing: Probing; readonly seen: ProbeAnswer },
): void {
  const { statusCode } = seen;
  let received = Buffer.alloc(0);
  const missing = () =>
    probing.answer({
      ...seen,
      ok: false,
      message: `unhealthy (status ${statusCode}, without ${JSON.stringify(text)} in its body)`,
    });
  response.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]).subarray(0, MAX_BODY_BYTES);
    if (received.includes(text)) probing.answer(seen);
    else if (received.length === MAX_BODY_BYTES) missing();
  });
  response.on("end", missing);
  response.on("error", missing);
}
