import { expect, test } from "bun:test";
import { availableParallelism, totalmem } from "node:os";
import { allowedCores, cgroupCores, cgroupLimitBytes, systemMemory } from "./limits.ts";

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

const V2 = { "/proc/self/cgroup": "0::/a/b\n" };
const V1 = { "/proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/docker/x\n" };
const V1_GROUP = "/sys/fs/cgroup/cpu/docker/x";

const quotas: readonly (readonly [string, Record<string, string>, number])[] = [
  ["no cgroups at all", {}, Infinity],
  ["version 2, whole cores", { ...V2, "/sys/fs/cgroup/a/b/cpu.max": "200000 100000\n" }, 2],
  ["version 2, a fraction", { ...V2, "/sys/fs/cgroup/a/b/cpu.max": "50000 100000\n" }, 0.5],
  ["version 2, another period", { ...V2, "/sys/fs/cgroup/a/b/cpu.max": "15000 10000\n" }, 1.5],
  ["version 2 without a quota", { ...V2, "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n" }, Infinity],
  [
    "the tighter of two groups",
    {
      ...V2,
      "/sys/fs/cgroup/a/b/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "100000 100000\n",
      "/sys/fs/cgroup/cpu.max": "max 100000\n",
    },
    1,
  ],
  [
    "version 1",
    {
      ...V1,
      [`${V1_GROUP}/cpu.cfs_quota_us`]: "150000\n",
      [`${V1_GROUP}/cpu.cfs_period_us`]: "100000\n",
    },
    1.5,
  ],
  [
    "version 1 without a quota",
    {
      ...V1,
      [`${V1_GROUP}/cpu.cfs_quota_us`]: "-1\n",
      [`${V1_GROUP}/cpu.cfs_period_us`]: "100000\n",
    },
    Infinity,
  ],
  ["version 1 without its period", { ...V1, [`${V1_GROUP}/cpu.cfs_quota_us`]: "1\n" }, Infinity],
  ["a group of memory alone", { "/proc/self/cgroup": "4:memory:/m\n" }, Infinity],
];

test.each(quotas)("the cores of %s", (_, files, expected) => {
  expect(cgroupCores((path) => files[path])).toBe(expected);
});

test("this process may use some cores, and no more than there are", () => {
  expect(allowedCores()).toBeGreaterThan(0);
  expect(allowedCores()).toBeLessThanOrEqual(availableParallelism());
});
