/** An expected failure of one request, as the answer the client gets. */

interface HttpErrorDetails {
  /** The parameter that is wrong. */
  readonly field?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Thrown by a handler; answered as `{error, message, field?}` with `status`. */
export class HttpError extends Error {
  override readonly name = "HttpError";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: HttpErrorDetails = {},
  ) {
    super(message);
  }

  toResponse(): Response {
    const { field, headers = {} } = this.details;
    return Response.json(
      { error: this.code, message: this.message, ...(field !== undefined && { field }) },
      { status: this.status, headers: { ...headers } },
    );
  }
}

/** The answer for a client that has left: its status, nginx's 499, is for the log and the metrics. */
export function clientGone(): HttpError {
  return new HttpError(499, "client_closed_request", "the client closed the connection");
}
