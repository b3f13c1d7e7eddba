/** The endpoints of Prometheus' HTTP API whose cost is the asker's choice, from the question to the text of the answer. */

import { messageOf } from "../../core/errors.ts";
import type { Labels } from "../../core/model.ts";
import { PromqlError } from "../../promql/errors.ts";
import { labelOf } from "../../promql/labels.ts";
import type { SeriesStore } from "../../promql/series.ts";
import type { Answer, Asked, Found, QueryBounds, Reply } from "./endpoint.ts";
import { ApiError, readSelectors } from "./parameters.ts";
import { query, queryExemplars, queryRange } from "./query.ts";
import { labelNames, labelValues, series } from "./series.ts";

/** Which of some label sets the parameters select: no endpoint, but a part of one. */
export const SELECT_RULES = "rules/select";

const ENDPOINTS: ReadonlyMap<string, Answer> = new Map([
  ["query", query],
  ["query_range", queryRange],
  ["query_exemplars", queryExemplars],
  ["series", series],
  ["labels", labelNames],
]);

/** The name of the label, as it stands in the path of its values. */
export function labelOfPath(path: string): string | undefined {
  return /^label\/([^/]+)\/values$/.exec(path)?.[1];
}

/** Answers; an error is an answer, too. */
export function evaluate(asked: Asked, store: SeriesStore, bounds: QueryBounds): Reply {
  try {
    return { status: 200, body: encode(answer(asked, store, bounds), bounds.maxAnswerBytes) };
  } catch (error) {
    return failure(error);
  }
}

function answer(asked: Asked, store: SeriesStore, bounds: QueryBounds): Found {
  const { path, nowMs } = asked;
  const parameters = new URLSearchParams(asked.parameters.map(([name, value]) => [name, value]));
  if (path === SELECT_RULES) return selectRules(parameters, asked.labelSets ?? []);
  const question = { parameters, sources: { store, nowMs: () => nowMs }, bounds };
  const labelName = labelOfPath(path);
  if (labelName !== undefined) return labelValues(labelName, question);
  const endpoint = ENDPOINTS.get(path);
  if (endpoint === undefined) throw new ApiError("not_found", `there is no /api/v1/${path}`);
  return endpoint(question);
}

function selectRules(parameters: URLSearchParams, labelSets: readonly Labels[]): Found {
  const selectors = readSelectors(parameters);
  const isSelected = (labels: Labels) =>
    selectors.some((matchers) =>
      matchers.every(({ name, matches }) => matches(labelOf(labels, name))),
    );
  return { data: labelSets.map(isSelected) };
}

/** Row by row, so that an answer that is too large is never made. */
function encode({ data, rows, isTruncated = false }: Found, maxBytes: number): string {
  const parts: string[] = [];
  let length = 0;
  const add = (text: string) => {
    length += text.length;
    if (length > maxBytes)
      throw new ApiError("execution", `the answer would be larger than ${maxBytes} bytes`);
    parts.push(text);
  };
  add('{"status":"success","data":');
  if (rows === undefined) add(JSON.stringify(data));
  else {
    add(rows.resultType === undefined ? "[" : `{"resultType":"${rows.resultType}","result":[`);
    let comma = "";
    for (const row of rows.all) {
      add(comma + JSON.stringify(row));
      comma = ",";
    }
    add(rows.resultType === undefined ? "]" : "]}");
  }
  add(isTruncated ? ',"warnings":["results truncated due to limit"]}' : "}");
  return parts.join("");
}

/** In Prometheus' form. */
export function failure(error: unknown): Reply {
  const { errorType, message, status } = asApiError(error);
  return { status, body: JSON.stringify({ status: "error", errorType, error: message }) };
}

function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof PromqlError) return new ApiError(error.code, error.message, error);
  return new ApiError("internal", messageOf(error), error);
}
