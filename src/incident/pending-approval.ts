/** What becomes of a request that waits for a person. Pure. */

import type { ApprovalAnswer, Closing } from "../core/model.ts";

/** What a request stands at. */
interface PendingApproval {
  /** The alert fires, or nothing shows that it ended. */
  readonly isAlertOpen: boolean;
  /** No answer by then is a no. */
  readonly expiresAtMs: number;
  /** What a person has said so far. */
  readonly given: "approved" | "denied" | undefined;
  /** Whether the action is still called for cannot be told now, or the intent cannot be written down. */
  readonly isUncertain: boolean;
}

/** @returns `undefined` while it goes on waiting */
export function answerTo(
  { isAlertOpen, expiresAtMs, given, isUncertain }: PendingApproval,
  nowMs: number,
): ApprovalAnswer | undefined {
  if (!isAlertOpen) return "withdrawn";
  if (nowMs >= expiresAtMs) return "expired";
  // In a moment it may be acted upon.
  return given === "approved" && isUncertain ? undefined : given;
}

/** How an incident ends whose request was not approved. */
export function endOfRefused(
  answer: Exclude<ApprovalAnswer, "approved">,
): Required<Pick<Closing, "result" | "reason">> {
  if (answer === "withdrawn") return { result: "skipped", reason: "alert_resolved" };
  return { result: "held", reason: answer };
}
