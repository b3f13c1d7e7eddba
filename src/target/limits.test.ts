import { expect, test } from "bun:test";
import { totalmem } from "node:os";
import { cgroupLimitBytes, systemMemory } from "./limits.ts";

const cases: readonly (readonly [string, Record<string, string>, number])[] = [
  ["no cgroups at all", {}, Infinity],
  [
    "a container's own group, version 2",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n" },
    536_870_912,
  ],
  [
    "version 2 without a limit",
    { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n" },
    Infinity,
  ],
  [
    "a limit on a group above",
    {
      "/proc/self/cgroup": "0::/system.slice/sentinel.service\n",
      "/sys/fs/cgroup/system.slice/sentinel.service/memory.max": "max\n",
      "/sys/fs/cgroup/system.slice/memory.max": "1000\n",
    },
    1_000,
  ],
  [
    "the tighter of two limits",
    {
      "/proc/self/cgroup": "0::/a/b\n",
      "/sys/fs/cgroup/a/b/memory.max": "3000\n",
      "/sys/fs/cgroup/a/memory.max": "2000\n",
    },
    2_000,
  ],
  [
    "version 1 beside an empty version 2",
    {
      "/proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
    },
    4_000,
  ],
  [
    "a limit of another controller's group",
    { "/proc/self/cgroup": "5:cpu:/x\n", "/sys/fs/cgroup/x/memory.max": "1\n" },
    Infinity,
  ],
];

test.each(cases)("the limit of %s", (_, files, expected) => {
  expect(cgroupLimitBytes((path) => files[path])).toBe(expected);
});

test("this process may grow, but not to the size of the machine", () => {
  expect(systemMemory.allowedBytes()).toBeGreaterThan(0);
  expect(systemMemory.allowedBytes()).toBeLessThan(totalmem() * 0.81);
});
