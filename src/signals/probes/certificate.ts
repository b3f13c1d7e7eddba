/** The certificates that a server shows, and whether they are trusted. */

import { isIP } from "node:net";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";

/** A chain has three or four; one that leads back to itself would never end. */
const MAX_CHAIN = 10;

/**
 * For a connection of which the certificate is to be read although it is not trusted: nothing may be
 * sent before `whyNotTrusted` has said that it is.
 */
export function tlsOptions(host: string) {
  // SNI takes names only, no addresses.
  return { rejectUnauthorized: false, ...(isIP(host) === 0 ? { servername: host } : {}) };
}

/** @returns `undefined` if it is trusted */
export function whyNotTrusted(socket: TLSSocket): string | undefined {
  if (socket.authorized) return undefined;
  return `its certificate is not trusted (${socket.authorizationError}); a CA of your own goes into NODE_EXTRA_CA_CERTS`;
}

/** When the first of its chain ends, as `probe_ssl_earliest_cert_expiry` of the blackbox exporter. */
function earliestExpiryMs(socket: TLSSocket): number | undefined {
  const ends: number[] = [];
  let certificate: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  for (let depth = 0; certificate && depth < MAX_CHAIN; depth += 1) {
    const endsAtMs = Date.parse(certificate.valid_to ?? "");
    if (Number.isFinite(endsAtMs)) ends.push(endsAtMs);
    const issuer: DetailedPeerCertificate | undefined = certificate.issuerCertificate;
    certificate = issuer === certificate ? undefined : issuer;
  }
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** What an answer says of the certificate; empty without one. */
export function seenCertificate(socket: TLSSocket): { readonly certificateExpiresAtMs?: number } {
  const endsAtMs = earliestExpiryMs(socket);
  return endsAtMs === undefined ? {} : { certificateExpiresAtMs: endsAtMs };
}
