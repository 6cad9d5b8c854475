// The nouns and notices of the wire, as the server's engine defines them.

export interface User {
  id: string;
  username: string;
  display_name: string;
  role: string;
  bot: boolean;
}

/** Where the user is signed in. */
export interface Session {
  id: string;
  at: string;
  expires_at: string;
  agent: string; // the User-Agent of the sign-in, "" if it is not known
  current: boolean;
}

export type RoomRole = "" | "member" | "moderator" | "owner";

/** A room as everybody sees it. */
export interface RoomFacts {
  id: string;
  name: string; // empty for direct rooms
  topic: string;
  private: boolean;
  direct: boolean;
  members: number;
  archived?: boolean; // to be read and left only
}

/** A room as this user sees it. */
export interface Room extends RoomFacts {
  role: RoomRole;
  last: { id: string; at: string } | null;
  unread: number; // 100 means that many or more
  mentions: number;
  last_read: string; // "" when nothing has been read
}

export type Status = "online" | "away" | "busy" | "offline";

export interface Member extends User {
  room_role: RoomRole;
  status?: Status;
}

export interface Reaction {
  emoji: string;
  count: number;
  me: boolean;
}

export interface Message {
  id: string;
  room: string;
  user: string;
  body: string;
  at: string;
  nonce?: string;
  reply_to?: string;
  edited_at?: string;
  deleted?: boolean;
  reactions?: Reaction[];
  mentions?: string[];
  everyone?: boolean;
}

export interface Page {
  items: Message[]; // oldest first
  prev: string | null;
  next: string | null;
}

export interface List<T> {
  items: T[];
  next: string | null;
}

export interface Ready {
  type: "ready";
  user: User;
  rooms: Room[];
  cursor: string;
  resumed: boolean;
  heartbeat: { interval_ms: number; timeout_ms: number };
}

/** What the server tells of its own accord. */
export type Notice =
  | Ready
  | { type: "checkpoint"; cursor: string }
  | { type: "reset"; reason: string }
  | ({ type: "message" } & Message)
  | {
      type: "message_edited";
      room: string;
      id: string;
      user: string;
      body: string;
      edited_at: string;
      mentions?: string[];
      everyone?: boolean;
    }
  | { type: "message_deleted"; room: string; id: string; user?: string; duplicate?: boolean }
  | { type: "reaction"; room: string; id: string; user: string; emoji: string; remove?: boolean; count: number }
  | ({ type: "room_created" | "room_updated" } & RoomFacts)
  | { type: "room_deleted"; id: string; room: string }
  | {
      type: "member_joined";
      room: string;
      user: string;
      username?: string;
      display_name?: string;
      role?: RoomRole;
      status?: Status;
    }
  | { type: "member_left"; room: string; user: string }
  | { type: "read"; room: string; user: string; id: string }
  | { type: "typing"; room: string; user?: string; count?: number }
  | ({ type: "user_updated" } & User)
  | { type: "presence"; user?: string; status?: Status; room?: string; online?: number }
  | { type: "signal"; room: string; user: string; name: string };

/** A frame this client sends; ref is added by the connection. */
export type Frame =
  | { type: "hello"; cursor?: string }
  | { type: "post"; room: string; body: string; nonce: string; reply_to?: string }
  | { type: "read"; room: string; id: string }
  | { type: "typing"; room: string }
  | { type: "ping" };

export interface Ack {
  id?: string;
  at?: string;
}

export interface AckFrame extends Ack {
  type: "ack";
  ref?: number;
}

export interface ErrorFrame {
  type: "error";
  ref?: number;
  code: string;
  message: string;
  retry_after_ms?: number;
}

export interface Pong {
  type: "pong";
}
