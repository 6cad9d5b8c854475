// Who is signed in, as far as the page knows: the cookie is not for its eyes. localStorage, because it answers at once.

import type { User } from "../wire/types.ts";

const key = "klatch-user";

export function lastUser(): User | null {
  try {
    const user = JSON.parse(localStorage.getItem(key) ?? "null") as User | null;
    return user && typeof user.id === "string" && typeof user.username === "string" ? user : null;
  } catch {
    return null; // refused, or not ours
  }
}

export function rememberUser(user: User | null): void {
  try {
    if (user) localStorage.setItem(key, JSON.stringify(user));
    else localStorage.removeItem(key);
  } catch {
    // A private window: the next start asks the server.
  }
}
