import { describe, expect, test } from "bun:test";
import { ADDRESS_SETTINGS, SECRET_SETTINGS, withoutSecrets } from "./secret-settings.ts";

test("what is a secret in itself is taken out, whatever it is set to", () => {
  expect([...SECRET_SETTINGS].toSorted()).toEqual([
    "FAULT_TOKEN",
    "GEMINI_API_KEY",
    "LM_STUDIO_API_KEY",
    "OPERATOR_TOKEN",
    "PROMETHEUS_HEADERS",
    "PROMETHEUS_TOKEN",
  ]);
  for (const key of SECRET_SETTINGS)
    expect(withoutSecrets({ [key]: "x", PATH: "/bin", EMPTY: undefined })).toEqual({
      PATH: "/bin",
      EMPTY: undefined,
    });
});

describe("an address", () => {
  test("is one of Sentinel's own settings", () => {
    expect([...ADDRESS_SETTINGS].toSorted()).toEqual([
      "GEMINI_BASE_URL",
      "LM_STUDIO_URL",
      "PROMETHEUS_URL",
      "SCRAPE_TARGETS",
      "TARGET_URL",
    ]);
  });

  test.each([
    "http://me:pw@host",
    "http://token@host/",
    "https://:pw@host:1/x?y#z",
    "http://@host",
    "a=http://a/m,b=http://me:pw@b/m",
  ])("with a user or a password is taken out: %s", (address) => {
    for (const key of ADDRESS_SETTINGS) expect(withoutSecrets({ [key]: address })).toEqual({});
    expect(withoutSecrets({ OTHER_URL: address })).toEqual({ OTHER_URL: address });
  });

  test.each([
    "embedded",
    "http://host:9090",
    "http://host/a@b",
    "http://host?mail=a@b",
    "http://host#a@b",
  ])("without one is left: %s", (address) => {
    for (const key of ADDRESS_SETTINGS)
      expect(withoutSecrets({ [key]: address })).toEqual({ [key]: address });
  });
});
