// The calls of REST that the page makes.

import { request } from "./rest.ts";
import type { List, Member, Message, Page, Room, RoomRole, Session, User } from "./types.ts";

export interface Credentials {
  username: string;
  password: string;
  display_name?: string;
  invite?: string;
}

/** What is absent stays. */
export interface ProfileChange {
  display_name?: string;
  password?: string;
  current_password?: string;
}

/** Which page of a room's messages. */
export type Place = { kind: "newest" } | { kind: "before" | "after" | "around"; id: string };

export const pageSize = 50;

const seg = encodeURIComponent;
const roomPath = (room: string): string => `/rooms/${seg(room)}`;
const messagePath = (room: string, id: string): string => `${roomPath(room)}/messages/${seg(id)}`;

/** All of a list, up to so many pages. */
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

export const api = {
  register: (c: Credentials) => request<{ user: User }>("POST", "/register", c),
  login: (username: string, password: string) => request<{ user: User }>("POST", "/login", { username, password }),
  logout: () => request<void>("POST", "/logout"),
  me: () => request<User>("GET", "/me"),
  changeMe: (c: ProfileChange) => request<User>("PATCH", "/me", c),
  sessions: () => request<List<Session>>("GET", "/me/sessions"),
  endSession: (id: string) => request<void>("DELETE", `/me/sessions/${seg(id)}`),
  endOtherSessions: () => request<void>("DELETE", "/me/sessions"),
  invite: (admin: boolean) => request<{ invite: string; expires_at: string }>("POST", "/invites", { admin }),
  user: (id: string) => request<User>("GET", `/users/${seg(id)}`),

  publicRooms: () => all<Room>("/rooms?filter=public&limit=200", 5),
  room: (id: string) => request<Room>("GET", roomPath(id)),
  createRoom: (r: { name: string; topic: string; private: boolean }) => request<Room>("POST", "/rooms", r),
  changeRoom: (id: string, c: { name?: string; topic?: string; private?: boolean }) => request<Room>("PATCH", roomPath(id), c),
  deleteRoom: (id: string) => request<void>("DELETE", roomPath(id)),
  directRoom: (users: string[]) => request<Room>("POST", "/rooms/direct", { users }),
  join: (id: string) => request<Room>("POST", `${roomPath(id)}/join`),
  leave: (id: string) => request<void>("POST", `${roomPath(id)}/leave`),
  /** A page of members, those after an id; "" for the first. */
  members: (id: string, after: string) => request<List<Member>>("GET", `${roomPath(id)}/members?limit=200${after && `&after=${seg(after)}`}`),
  addMember: (room: string, user: string) => api.setRole(room, user, "member"),
  setRole: (room: string, user: string, role: RoomRole) => request<void>("PUT", `${roomPath(room)}/members/${seg(user)}`, { role }),
  removeMember: (room: string, user: string) => request<void>("DELETE", `${roomPath(room)}/members/${seg(user)}`),

  page: (room: string, place: Place) => {
    const where = place.kind === "newest" ? "" : `&${place.kind}=${seg(place.id)}`;
    return request<Page>("GET", `${roomPath(room)}/messages?limit=${pageSize}${where}`);
  },
  message: (room: string, id: string) => request<Message>("GET", messagePath(room, id)),
  edit: (room: string, id: string, body: string) => request<Message>("PATCH", messagePath(room, id), { body }),
  remove: (room: string, id: string) => request<void>("DELETE", messagePath(room, id)),
  react: (room: string, id: string, emoji: string, remove: boolean) =>
    request<void>(remove ? "DELETE" : "PUT", `${messagePath(room, id)}/reactions/${seg(emoji)}`),
};

export type Api = typeof api;
