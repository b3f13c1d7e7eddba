/** Which version of the engine's API is spoken. */

/** What Sentinel reads has been the same since Docker 1.12. */
const OLDEST = "1.24";
/** Docker 28, the newest that it is tested with. */
const NEWEST = "1.51";

interface ApiRange {
  readonly newest: string;
  /** `undefined` from engines that do not say. */
  readonly oldest: string | undefined;
}

/**
 * The newest version that both sides know. An engine that has dropped ours gets its oldest, since
 * versions only add to what is read here.
 *
 * @returns `undefined` if the engine is older than anything that Sentinel speaks
 */
export function chooseVersion({ newest, oldest }: ApiRange): string | undefined {
  if (isBelow(newest, OLDEST)) return undefined;
  const common = isBelow(newest, NEWEST) ? newest : NEWEST;
  return oldest !== undefined && isBelow(common, oldest) ? oldest : common;
}

/** 1.9 is below 1.41. */
function isBelow(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split(".").map(Number);
  const [majorB = 0, minorB = 0] = b.split(".").map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}
