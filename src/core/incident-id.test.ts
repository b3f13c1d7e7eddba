import { expect, test } from "bun:test";
import { alertOfId, incidentId } from "./incident-id.ts";

const AT_MS = Date.UTC(2025, 0, 1, 12, 0, 10, 999);

test("it is the time, the alert and four digits of the service", () => {
  expect(incidentId(AT_MS, "HighCpu", "sentinel-target-api")).toBe("20250101T120010-HighCpu-d1a9");
});

test("the alert can be read from it, whatever its name", () => {
  for (const alert of ["HighCpu", "Very-HighCpu", "a-b1a9", "Höhe über 9000"])
    expect(alertOfId(incidentId(AT_MS, alert, "api"))).toBe(alert);
});

test.each(["20250101T120010-HighCpu", "HighCpu-d1a9", "20250101T120010--d1a9", ""])(
  "%p is no such name",
  (id) => expect(alertOfId(id)).toBeUndefined(),
);
