/** Whose alert it is: one service's, or nobody's. Pure. */

import { SERVICE_LABEL } from "../core/given-series.ts";
import type { Alert, Labels, Service } from "../core/model.ts";

/** Labels that may hold a service's name, as cAdvisor, Kubernetes and rule authors write them. */
const NAME_LABELS = ["container", "pod", "service"] as const;

/** To whom an alert belongs; nobody acts on one that belongs to nobody. */
export type Owner =
  | { readonly kind: "service"; readonly name: string }
  | { readonly kind: "nobody"; readonly reason: string };

export interface ServiceDirectory {
  /**
   * @param labels of a sample
   * @param overrides labels of its rule, which win as they do in the alert
   */
  ownerOf(labels: Labels, overrides?: Labels): Owner;
}

/** What tells services apart. */
export type Identity = Pick<Service, "name" | "job" | "instance" | "health">;

/**
 * The services by what labels may say of them: the label `sentinel_service`, else `container`, `pod` or
 * `service` with the name of one service, else `job`, and `instance` where several services share a job.
 */
export function createDirectory(services: readonly Identity[]): ServiceDirectory {
  const owners = new Map<string, Owner>();
  for (const { name } of services) owners.set(name, { kind: "service", name });
  const byJob = new Map<string, Identity[]>();
  for (const service of services)
    if (service.job !== undefined) byJob.getOrInsert(service.job, []).push(service);

  const byName = (get: (label: string) => string | undefined): Owner | undefined => {
    let found: Owner | undefined;
    for (const label of NAME_LABELS) {
      const owner = owners.get(get(label) ?? "");
      if (owner === undefined || owner === found) continue;
      if (found !== undefined) return nobody("its labels name more than one watched service");
      found = owner;
    }
    return found;
  };

  const byJobAndInstance = (get: (label: string) => string | undefined): Owner => {
    const sharing = byJob.get(get("job") ?? "") ?? [];
    const [first, second] = sharing;
    if (first === undefined) return nobody("no label of it names a watched service");
    if (second === undefined) return ownerNamed(first.name);
    const instance = get("instance");
    const [match, other] = sharing.filter((service) => instanceOf(service) === instance);
    if (instance !== undefined && match !== undefined && other === undefined)
      return ownerNamed(match.name);
    return nobody("several services share its job, and its instance is not that of exactly one");
  };

  const ownerNamed = (name: string): Owner =>
    owners.get(name) ?? nobody(`${SERVICE_LABEL} names no watched service`);

  return {
    ownerOf(labels, overrides) {
      const get = (label: string) => overrides?.[label] ?? labels[label];
      const stated = get(SERVICE_LABEL);
      return stated === undefined ? (byName(get) ?? byJobAndInstance(get)) : ownerNamed(stated);
    },
  };
}

/** A built-in rule is made for one service, whatever labels its series have. */
export function ownerOfAlert({ rule, labels }: Alert, directory: ServiceDirectory): Owner {
  return rule.service === undefined
    ? directory.ownerOf(labels)
    : { kind: "service", name: rule.service };
}

export function isOwnedBy(owner: Owner, service: string): boolean {
  return owner.kind === "service" && owner.name === service;
}

/** Unless it is set, metrics are taken to be served where the health is. */
function instanceOf({ instance, health }: Identity): string | undefined {
  if (instance !== undefined) return instance;
  return typeof health === "object" && "http" in health ? URL.parse(health.http)?.host : undefined;
}

function nobody(reason: string): Owner {
  return { kind: "nobody", reason };
}
