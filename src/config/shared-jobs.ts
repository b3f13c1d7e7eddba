/** Several services of one job: what tells which of its series are whose. */

import { SentinelError } from "../core/errors.ts";
import type { Service } from "../core/model.ts";
import { instanceOf } from "../rules/ownership.ts";

/**
 * The same services; of those that share a job each has an instance. Without one, what is measured of a job
 * would be taken for each of them, and the wrong one restarted.
 *
 * @throws SentinelError `configuration`, naming the services, if neither `instance` nor an address of its
 *   health tells it
 */
export function tellApart(services: readonly Service[]): readonly Service[] {
  const byJob = Map.groupBy(services, ({ job }) => job);
  return services.map((service) => {
    const { name, job } = service;
    const sharing = byJob.get(job) ?? [];
    if (job === undefined || sharing.length < 2) return service;
    const instance = instanceOf(service);
    if (instance !== undefined) return { ...service, instance };
    const names = sharing.map((one) => one.name).join(", ");
    throw new SentinelError(
      "configuration",
      `the services ${names} share the job ${job}, and nothing tells which of its series belong to ${name}`,
      { hint: "Set instance of each to what Prometheus has, such as 10.0.0.2:8080." },
    );
  });
}
