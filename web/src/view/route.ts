// Where the address leads. Invites come as #invite=TOKEN, the link that serve prints, or as #/register?invite=TOKEN.

import { signal } from "@preact/signals";

export type Route =
  | { kind: "home" }
  | { kind: "register"; invite: string }
  | { kind: "room"; room: string; message: string };

export const route = signal<Route>({ kind: "home" });

export function parseRoute(hash: string): Route {
  const invite = /[#?&]invite=([^&]+)/.exec(hash)?.[1] ?? "";
  if (invite || hash.startsWith("#/register")) return { kind: "register", invite: decoded(invite) };
  const [, room = "", message = ""] = /^#\/room\/([^/]+)(?:\/([^/]+))?$/.exec(hash) ?? [];
  return room ? { kind: "room", room: decoded(room), message: decoded(message) } : { kind: "home" };
}

function decoded(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s; // somebody typed it
  }
}

export const home = "#/";
export const registering = "#/register";
export const roomHref = (room: string): string => `#/room/${encodeURIComponent(room)}`;

/** A link to a message, to be given to others. */
export const messageLink = ({ room, id }: { room: string; id: string }): string =>
  location.origin + location.pathname + roomHref(room) + `/${encodeURIComponent(id)}`;

/** A link by which somebody may register. */
export const inviteLink = (token: string): string => `${location.origin}${location.pathname}#invite=${encodeURIComponent(token)}`;

export function goTo(href: string): void {
  location.hash = href;
}

/** Follows the address from now on. */
export function followRoute(): void {
  const read = (): void => void (route.value = parseRoute(location.hash));
  window.addEventListener("hashchange", read);
  read();
}
