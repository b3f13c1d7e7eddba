/** Who is watched now, and so to whom an alert may belong: containers with the label come and go. */

import { createDirectory, type ServiceDirectory } from "../rules/ownership.ts";
import type { Watched } from "./self-monitoring.ts";

interface Roster {
  readonly watched: readonly Watched[];
  add(one: Watched): void;
  remove(service: string): void;
  directory(): ServiceDirectory;
}

export function createRoster(): Roster {
  const watched: Watched[] = [];
  let directory = createDirectory([]);
  const refresh = () => (directory = createDirectory(watched.map(({ service }) => service)));
  return {
    watched,
    add(one) {
      watched.push(one);
      refresh();
    },
    remove(name) {
      const index = watched.findIndex(({ service }) => service.name === name);
      if (index >= 0) watched.splice(index, 1);
      refresh();
    },
    directory: () => directory,
  };
}
