/** Every stranger in each of the ways to be broken, and how they are dealt out. Pure. */

import { STRANGERS } from "./catalogue.ts";
import { FAULTS } from "./faults.ts";
import type { Cell } from "./judge.ts";

/** All of them: each stranger's, one after the other. */
export function allCells(): readonly Cell[] {
  return STRANGERS.flatMap(({ name }) => FAULTS.map((fault) => ({ name, fault })));
}

/** Each group with every fault alike often, as far as that goes; neighbours differ in fault. */
export function groupsOf(cells: readonly Cell[], size: number): readonly (readonly Cell[])[] {
  const count = Math.ceil(cells.length / size);
  const byFault = FAULTS.map((fault) => cells.filter((cell) => cell.fault === fault));
  const dealt = byFault.flatMap((ofFault, shift) =>
    ofFault.map((_, index) => ofFault[(index + shift) % ofFault.length]),
  );
  const groups = Array.from({ length: count }, (): Cell[] => []);
  dealt.forEach((cell, index) => cell && groups[index % count]?.push(cell));
  return groups.map(interleaved);
}

/** The first of each fault, then the second of each, and so on. */
function interleaved(cells: readonly Cell[]): readonly Cell[] {
  const rank = (cell: Cell) => cells.filter(({ fault }) => fault === cell.fault).indexOf(cell);
  return cells.toSorted((a, b) => rank(a) - rank(b));
}
