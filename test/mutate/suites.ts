const JOURNAL = [
  "src/journals/sqlite-connection.test.ts",
  "test/contracts/journal.test.ts",
  "src/journals/sqlite.test.ts",
];

const LOOP_ALONE = [
  "src/incident/service-loop-polls.test.ts",
  "src/incident/service-loop-journal.test.ts",
  "src/incident/service-loop-restarted.test.ts",
  "src/incident/service-loop-labels.test.ts",
  "src/incident/service-loop-gone.test.ts",
];

const LOOP = [
  ...LOOP_ALONE,
  "src/core/lock.test.ts",
  "src/incident/approval.test.ts",
  "src/incident/recovery.test.ts",
  "src/decision/limit-state.test.ts",
  "src/rules/flapping.test.ts",
  "src/incident/service-loop.test.ts",
];

/**
 * The files that decide about safety, and the suites that have to notice a change in them: those beside
 * the file, each a matter of seconds, the quickest first.
 */
export const SUITES: Readonly<Record<string, readonly string[]>> = {
  "src/allowlist.ts": ["src/allowlist.test.ts"],
  "src/rules/permitted.ts": ["src/rules/permitted.test.ts"],
  "src/incident/verify.ts": ["src/incident/verify.test.ts"],
  "src/text/redact.ts": [
    "src/text/credential-kinds.test.ts",
    "src/text/redact.test.ts",
    "src/diagnosis/evidence.test.ts",
  ],
  "src/decision/decision.ts": ["src/decision/decision.test.ts"],
  "src/rules/alert-state.ts": ["src/rules/alert-state.test.ts", "src/rules/alert-states.test.ts"],
  "src/incident/effect.ts": ["src/incident/effect.test.ts"],
  "src/diagnosis/evidence.ts": ["src/diagnosis/evidence.test.ts"],
  "src/incident/incident.ts": [
    "src/incident/incident-steps.test.ts",
    "src/incident/same-container.test.ts",
    "src/incident/approved-action.test.ts",
    "src/incident/action-turn.test.ts",
    "src/incident/incident.test.ts",
    "src/incident/approval.test.ts",
    "src/incident/recovery.test.ts",
    "src/incident/service-loop.test.ts",
  ],
  "src/incident/same-container.ts": ["src/incident/same-container.test.ts"],
  "src/decision/limits.ts": [
    "src/decision/limits.test.ts",
    "src/decision/limit-state.test.ts",
    "src/rules/flapping.test.ts",
  ],
  "src/diagnosis/lifecycle.ts": ["src/diagnosis/lifecycle.test.ts"],
  "src/rules/ownership.ts": ["src/rules/ownership.test.ts"],
  "src/incident/recovery.ts": [
    "src/incident/recovery-steps.test.ts",
    "src/incident/recovery.test.ts",
  ],
  "src/platforms/secret-settings.ts": ["src/platforms/secret-settings.test.ts"],
  "src/incident/verification.ts": ["src/incident/verification.test.ts"],
  "src/incident/journal-folds.ts": ["src/incident/journal-folds.test.ts"],
  "src/incident/journal-writer.ts": [
    "src/incident/journal-writer.test.ts",
    "src/incident/recorder.test.ts",
    "src/incident/service-loop-journal.test.ts",
  ],
  "src/incident/service-alerts.ts": LOOP,
  "src/incident/service-loop.ts": LOOP,
  "src/incident/source-outage.ts": ["src/incident/source-outage.test.ts"],
  "src/incident/pending-approval.ts": ["src/incident/pending-approval.test.ts"],
  "src/rules/alert-tracking.ts": ["src/rules/alert-tracking.test.ts"],
  "src/platforms/run-command.ts": [
    "src/platforms/run-command-limits.test.ts",
    "src/platforms/run-command.test.ts",
  ],
  "src/journals/sqlite-file.ts": JOURNAL,
  "src/journals/sqlite-prune.ts": ["src/journals/sqlite-prune.test.ts", ...JOURNAL],
  "src/journals/sqlite.ts": JOURNAL,
};

/** The suites that a change in a file has to be noticed by; of a file that is not listed, its own. */
export function suitesOf(file: string): readonly string[] {
  return SUITES[file] ?? [file.replace(/\.ts$/, ".test.ts")];
}
