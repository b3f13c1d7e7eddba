/** Settings of how a Prometheus behind a gateway is asked. */

import { z } from "zod";

const optionalPath = () => z.string().refine((text) => !text.includes("\0"));

/** What Sentinel or the connection itself sets. */
const OWN_HEADERS = /^(accept|host|connection|content-length|transfer-encoding|te|upgrade)$/i;

const headers = () =>
  z.string().transform((text, context): Readonly<Record<string, string>> => {
    const pairs = text
      .split(";")
      .map((pair) => pair.trim())
      .filter((pair) => pair !== "")
      .map((pair) => /^([!#$%&'*+.^_`|~\w-]+):\s*([\x20-\x7e]+)$/.exec(pair));
    const named = pairs.flatMap((match) => (match?.[1] && match[2] ? [[match[1], match[2]]] : []));
    if (named.length < pairs.length || named.some(([name = ""]) => OWN_HEADERS.test(name)))
      context.addIssue({ code: "custom", message: "no headers" });
    return Object.fromEntries(named);
  });

export const PROMETHEUS_ACCESS_SETTINGS = {
  PROMETHEUS_TOKEN: {
    schema: () => z.string().regex(/^[\x21-\x7e]*$/),
    fallback: "",
    form: "a bearer token in plain ASCII, without spaces",
  },
  PROMETHEUS_HEADERS: {
    schema: () => headers(),
    fallback: "",
    form: "headers and their values, such as X-Scope-OrgID: tenant1; X-Team: shop",
  },
  PROMETHEUS_CA_FILE: {
    schema: () => optionalPath(),
    fallback: "",
    form: "the path of certificates in PEM, as in ca.pem",
  },
  PROMETHEUS_CERT_FILE: {
    schema: () => optionalPath(),
    fallback: "",
    form: "the path of a certificate in PEM, as in client.pem",
  },
  PROMETHEUS_KEY_FILE: {
    schema: () => optionalPath(),
    fallback: "",
    form: "the path of a private key in PEM, as in client-key.pem",
  },
} as const;
