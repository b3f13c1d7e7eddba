/** The days in a process of their own, whose memory is theirs alone. Arguments: `DaysOptions` as JSON. */

import { passDays } from "./month.ts";

const [options = ""] = process.argv.slice(2);
const days = await passDays(JSON.parse(options));
const { broken, counts, open } = days.witness;
process.send?.({ ...days, witness: { broken, counts, open } });
