const JOURNAL = [
  "src/journals/sqlite-connection.test.ts",
  "test/contracts/journal.test.ts",
  "src/journals/sqlite.test.ts",
];

/**
 * The files that decide about safety, and the suites that have to notice a change in them: those beside
 * the file, each a matter of seconds, the quickest first.
 */
export const SUITES: Readonly<Record<string, readonly string[]>> = {
  "src/allowlist.ts": ["src/allowlist.test.ts"],
  "src/core/aftermath.ts": ["src/core/aftermath.test.ts"],
  "src/core/credentials.ts": [
    "src/core/credential-kinds.test.ts",
    "src/core/credentials.test.ts",
    "src/core/evidence.test.ts",
  ],
  "src/core/decision.ts": ["src/core/decision.test.ts"],
  "src/core/detection.ts": ["src/core/detection.test.ts", "src/core/alert-states.test.ts"],
  "src/core/effect.ts": ["src/core/effect.test.ts"],
  "src/core/evidence.ts": ["src/core/evidence.test.ts"],
  "src/core/incident.ts": [
    "src/core/incident-steps.test.ts",
    "src/core/incident.test.ts",
    "src/core/approval.test.ts",
    "src/core/recovery.test.ts",
    "src/core/watch.test.ts",
  ],
  "src/core/ledger.ts": ["src/core/ledger.test.ts", "src/core/restraint.test.ts"],
  "src/core/lifecycle.ts": ["src/core/lifecycle.test.ts"],
  "src/core/ownership.ts": ["src/core/ownership.test.ts"],
  "src/core/recovery.ts": ["src/core/recovery-steps.test.ts", "src/core/recovery.test.ts"],
  "src/core/secret-settings.ts": ["src/core/secret-settings.test.ts"],
  "src/core/verification.ts": ["src/core/verification.test.ts"],
  "src/core/watch.ts": [
    "src/core/watch-loop.test.ts",
    "src/core/lock.test.ts",
    "src/core/approval.test.ts",
    "src/core/recovery.test.ts",
    "src/core/restraint.test.ts",
    "src/core/flapping.test.ts",
    "src/core/watch.test.ts",
  ],
  "src/executors/spawn.ts": ["src/executors/run-command.test.ts", "src/executors/spawn.test.ts"],
  "src/journals/sqlite-file.ts": JOURNAL,
  "src/journals/sqlite-prune.ts": ["src/journals/sqlite-prune.test.ts", ...JOURNAL],
  "src/journals/sqlite.ts": JOURNAL,
};

/** The suites that a change in a file has to be noticed by; of a file that is not listed, its own. */
export function suitesOf(file: string): readonly string[] {
  return SUITES[file] ?? [file.replace(/\.ts$/, ".test.ts")];
}
