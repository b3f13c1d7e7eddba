/** `/faults`: what is started, told and ended over HTTP. */

import { readJson } from "./body.ts";
import type { FaultView } from "./fault.ts";
import type { Faults } from "./faults.ts";
import type { FaultEnvironment } from "./faults/kind.ts";
import { HttpError } from "./http-error.ts";
import { orderFault } from "./kinds.ts";
import { shown } from "./parameters.ts";

/** An answer that waits longer tells of an effect that is still building up. */
const APPLIED_WITHIN_MS = 1000;

/** One function for each endpoint; each gives its answer or throws HttpError. */
export function createFaultApi(faults: Faults, environment: FaultEnvironment) {
  const known = (id: string, fault: FaultView | undefined): FaultView => {
    if (fault !== undefined) return fault;
    const message = `no fault has the id ${shown(id)}, or it ended too long ago`;
    throw new HttpError(404, "not_found", message, { field: "id" });
  };

  return {
    list: () => faults.list(),
    get: (id: string) => known(id, faults.get(id)),

    async start(request: Request): Promise<Response> {
      const order = orderFault(await readJson(request), environment);
      const { id, applied, view } = faults.start(order);
      await Promise.race([applied, Bun.sleep(APPLIED_WITHIN_MS)]);
      const fault = view();
      if (fault.state === "failed") {
        const message = `the fault ${id} could not be applied: ${fault.reason}`;
        throw new HttpError(500, "fault_failed", message);
      }
      return Response.json(fault, { status: 201, headers: { location: `/faults/${id}` } });
    },

    end: async (id: string) => known(id, await faults.end(id)),

    /** Everything off, memory that `/stress/memory` has leaked as well. */
    async endAll(): Promise<{ readonly ended: readonly FaultView[] }> {
      const ended = await faults.endAll();
      environment.leak.release();
      return { ended };
    },
  };
}
