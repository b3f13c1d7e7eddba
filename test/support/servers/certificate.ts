/** Certificates for tests, made by openssl. */

import { mkdtempSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why there is none; `undefined` if there is. */
export function whyNoOpenssl(): string | undefined {
  return Bun.which("openssl") === null ? "`openssl` is not on the PATH" : undefined;
}

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
  /** Of the certificate. */
  readonly file: string;
}

/** @param host a name or an address that it is for */
export function selfSigned(host: string, { days }: { readonly days: number }): TestCertificate {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-certificate-"));
  const [key, file] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const made = Bun.spawnSync([
    ...[
      "openssl",
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:P-256",
      "-nodes",
    ],
    ...["-keyout", key, "-out", file, "-days", `${days}`, "-subj", `/CN=${host}`],
    ...["-addext", `subjectAltName=${isIP(host) === 0 ? "DNS" : "IP"}:${host}`],
  ]);
  if (made.exitCode !== 0) throw new Error(made.stderr.toString());
  return { key: readFileSync(key, "utf8"), cert: readFileSync(file, "utf8"), file };
}
