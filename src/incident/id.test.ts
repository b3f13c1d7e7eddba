import { expect, test } from "bun:test";
import { incidentId } from "./id.ts";

const AT_MS = Date.UTC(2025, 0, 1, 12, 0, 10, 999);

test("it is the time, the alert and four digits of the service", () => {
  expect(incidentId(AT_MS, "HighCpu", "sentinel-target-api")).toBe("20250101T120010-HighCpu-d1a9");
});

test("it is another one for another service at the same moment", () => {
  expect(incidentId(AT_MS, "HighCpu", "api")).not.toBe(incidentId(AT_MS, "HighCpu", "api2"));
});
