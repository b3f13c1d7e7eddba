import { expect, test } from "bun:test";
import { chooseVersion } from "./versions.ts";

test.each([
  ["Docker 20.10", "1.41", "1.12", "1.41"],
  ["Docker 29, which has dropped what is older than 1.44", "1.52", "1.44", "1.51"],
  ["an engine that has dropped all that Sentinel knows", "1.70", "1.60", "1.60"],
  ["Docker 1.12, the oldest", "1.24", "1.12", "1.24"],
  ["one version before it", "1.23", "1.12", undefined],
  ["versions are numbers, not text: 1.9 is before 1.24", "1.9", undefined, undefined],
  ["Podman, which has no newest of its own", "1.41", "1.24", "1.41"],
  ["an engine that does not tell its oldest", "1.30", undefined, "1.30"],
])("%s", (_, newest, oldest, expected) => {
  expect(chooseVersion({ newest, oldest })).toBe(expected);
});
