// One REST request. The session is the HttpOnly cookie that login and register set.

import { OfflineError, ServerError, type FieldError } from "./errors.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** application/problem+json (RFC 9457), with the server's own members. */
interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  errors?: FieldError[];
}

const longest = 30_000; // a request that takes longer counts as lost

export async function request<T>(method: Method, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  if (!response.ok) throw await refusal(response);
  if (response.status === 204) return undefined as T;
  try {
    return (await response.json()) as T;
  } catch {
    throw new OfflineError(); // cut off on its way
  }
}

async function send(method: Method, path: string, body: unknown): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  const init: RequestInit = { method, headers, credentials: "same-origin", signal: AbortSignal.timeout(longest) };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(`/api/v1${path}`, init);
  } catch {
    throw new OfflineError();
  }
}

async function refusal(response: Response): Promise<ServerError> {
  let p: Problem = {};
  try {
    p = (await response.json()) as Problem;
  } catch {
    // A proxy's error page: the status is all there is to say.
  }
  const message = p.detail || p.title || `The server answered ${response.status} ${response.statusText}.`;
  const retryAfter = Number(response.headers.get("Retry-After") ?? 0) * 1000;
  return new ServerError(p.code ?? "unavailable", message, retryAfter || 0, p.errors ?? []);
}
