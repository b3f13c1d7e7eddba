/** A secret that is sent as `Authorization: Bearer`. */

/**
 * Whether a header carries the token.
 *
 * Compared in a time that depends on what was sent alone: how much of a guess was right does not show.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function checkBearer(
  authorization: string | null,
  token: string,
): "right" | "wrong" | "missing" {
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
  if (given === undefined) return "missing";
  let difference = given.length ^ token.length;
  for (let at = 0; at < given.length; at += 1) {
    difference |= given.charCodeAt(at) ^ token.charCodeAt(at % token.length);
  }
  return difference === 0 ? "right" : "wrong";
}
