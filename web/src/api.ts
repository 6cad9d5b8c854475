// REST. The session is the HttpOnly cookie that login and register set.

import { OfflineError, ServerError } from "./types.ts";
import type { FieldError, List, Member, Message, Page, Room, User } from "./types.ts";

interface Problem {
  code?: string;
  title?: string;
  detail?: string;
  errors?: FieldError[];
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { Accept: "application/json", "Content-Type": "application/json" };
  }
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, init);
  } catch {
    throw new OfflineError();
  }
  if (!response.ok) throw await problem(response);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

async function problem(response: Response): Promise<ServerError> {
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

const seg = encodeURIComponent;

async function all<T>(path: string, pages: number): Promise<T[]> {
  const items: T[] = [];
  let cursor = "";
  for (let i = 0; i < pages; i++) {
    const page = await request<List<T>>("GET", path + cursor);
    items.push(...page.items);
    if (page.next === null) break;
    cursor = `&after=${seg(page.next)}`;
  }
  return items;
}

export interface Credentials {
  username: string;
  password: string;
  display_name?: string;
  invite?: string;
}

export const pageSize = 50;

export const api = {
  register: (c: Credentials) => request<{ user: User }>("POST", "/register", c),
  login: (username: string, password: string) => request<{ user: User }>("POST", "/login", { username, password }),
  logout: () => request<void>("POST", "/logout"),
  me: () => request<User>("GET", "/me"),
  user: (id: string) => request<User>("GET", `/users/${seg(id)}`),

  publicRooms: () => all<Room>("/rooms?filter=public&limit=200", 5),
  room: (id: string) => request<Room>("GET", `/rooms/${seg(id)}`),
  createRoom: (r: { name: string; topic: string; private: boolean }) => request<Room>("POST", "/rooms", r),
  directRoom: (users: string[]) => request<Room>("POST", "/rooms/direct", { users }),
  join: (id: string) => request<Room>("POST", `/rooms/${seg(id)}/join`),
  leave: (id: string) => request<void>("POST", `/rooms/${seg(id)}/leave`),
  members: (id: string) => all<Member>(`/rooms/${seg(id)}/members?limit=200`, 5),
  addMember: (room: string, user: string) =>
    request<void>("PUT", `/rooms/${seg(room)}/members/${seg(user)}`, { role: "member" }),

  history: (room: string, before?: string) =>
    request<Page>("GET", `/rooms/${seg(room)}/messages?limit=${pageSize}${before ? `&before=${seg(before)}` : ""}`),
  message: (room: string, id: string) => request<Message>("GET", `/rooms/${seg(room)}/messages/${seg(id)}`),
  edit: (room: string, id: string, body: string) =>
    request<Message>("PATCH", `/rooms/${seg(room)}/messages/${seg(id)}`, { body }),
  remove: (room: string, id: string) => request<void>("DELETE", `/rooms/${seg(room)}/messages/${seg(id)}`),
  react: (room: string, id: string, emoji: string, remove: boolean) =>
    request<void>(remove ? "DELETE" : "PUT", `/rooms/${seg(room)}/messages/${seg(id)}/reactions/${seg(emoji)}`),
};

export type Api = typeof api;
