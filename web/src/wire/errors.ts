export interface FieldError {
  field: string;
  code: string;
}

/** An error the server gave, from HTTP or from the WebSocket. */
export class ServerError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly retryAfterMs = 0,
    readonly fields: FieldError[] = [],
  ) {
    super(message);
    this.name = "ServerError";
  }
}

/** Nothing reached the server, or no answer came back. */
export class OfflineError extends Error {
  constructor() {
    super("offline");
    this.name = "OfflineError";
  }
}

export function hasCode(e: unknown, code: string): boolean {
  return e instanceof ServerError && e.code === code;
}
