/** The command `load`: steady traffic against a target's shop, and how it fared. */

import { shownUrl } from "../text/url.ts";
import { drive } from "../load/drive.ts";
import type { LoadPlan } from "../load/plan.ts";
import { reach } from "../load/reach.ts";
import { renderResults } from "../load/table.ts";
import { print } from "../log.ts";

/**
 * Prints what it does, and a table when it is done or the signal aborts.
 *
 * @returns whether any request succeeded
 * @throws SentinelError `service_unreachable` if nothing listens there at the start
 */
export async function runLoad(plan: LoadPlan, signal: AbortSignal): Promise<boolean> {
  const { rate, durationS, url } = plan;
  await reach(url);
  print(`${rate} requests/s for ${durationS} s against ${shownUrl(url).replace(/\/$/, "")}\n`);
  const results = await drive(plan, signal);
  print(renderResults(results).join("\n"));
  return results.total.succeeded > 0;
}
