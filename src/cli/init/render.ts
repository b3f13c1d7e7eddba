/** The file that `sentinel init` writes, and the table of what it has found. Pure. */

import { printable } from "../../text/printable.ts";
import { align } from "../../text/table.ts";
import type { Suggestion } from "./ask.ts";
import type { FoundContainer } from "./found.ts";

const MAX_CHARACTERS = 60;
const MAX_CELL = 44;

/** Texts that YAML would read as something else. */
const NO_PLAIN_TEXT = /^([^a-zA-Z]|(true|false|yes|no|on|off|null|y|n)$)/i;

/** @param day as `2026-01-31` */
export function renderFile(suggestions: readonly Suggestion[], day: string): string {
  const lines = [
    `# What \`sentinel init\` found running on ${day}. Read it, and remove what Sentinel is not to watch.`,
    "#   health   how a service is asked whether it is well (docs/health.md)",
    "#   metrics  where Sentinel scrapes it with PROMETHEUS_URL=embedded; with a Prometheus, write job: NAME instead",
    "#   actions  what it may get without a person; write actions: [] for one that is only watched",
    "",
    "services:",
  ];
  let project: string | undefined;
  for (const { container, ...found } of inProjects(suggestions)) {
    if (container.project !== project) {
      project = container.project;
      lines.push(
        project === ""
          ? "  # Without Compose"
          : `  # Compose project ${printable(project, MAX_CHARACTERS)}`,
      );
    }
    lines.push(
      `  - name: ${plain(container.name)} # ${about(container)}`,
      `    health: ${found.health} # ${found.healthWhy}`,
      `    metrics: ${found.metrics}${found.metricsWhy === "" ? "" : ` # ${found.metricsWhy}`}`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function inProjects(suggestions: readonly Suggestion[]): readonly Suggestion[] {
  const groups = Map.groupBy(suggestions, ({ container }) => container.project);
  // Those without Compose come last.
  const names = [...groups.keys()].toSorted(
    (a, b) => Number(a === "") - Number(b === "") || a.localeCompare(b),
  );
  return names.flatMap((name) => groups.get(name) ?? []);
}

/** An image is named by whoever made it: it is a comment on one line, and no more. */
function about({ image, composeService }: FoundContainer): string {
  const service = composeService === "" ? "" : `, service ${composeService}`;
  return printable(`image ${image}${service}`, 2 * MAX_CHARACTERS);
}

function plain(name: string): string {
  return NO_PLAIN_TEXT.test(name) ? JSON.stringify(name) : name;
}

export function renderTable(suggestions: readonly Suggestion[]): string[] {
  const rows = inProjects(suggestions).map(({ container, health, healthWhy, ...of }) => [
    container.name,
    container.image,
    health === "container" ? `container: ${healthWhy.split(":")[0]}` : health,
    of.metrics === "none" && of.metricsWhy !== "" ? `none: ${of.metricsWhy}` : of.metrics,
  ]);
  const cells = [["service", "image", "health", "metrics"], ...rows];
  return align(
    cells.map((row) => row.map((text) => printable(text, MAX_CELL))),
    [0, 1, 2, 3],
  );
}

export function renderLeftOut(containers: readonly FoundContainer[]): string[] {
  return containers.map(
    ({ name, leftOut = "" }) => `Left out: ${printable(name, MAX_CELL)}, ${leftOut}`,
  );
}
