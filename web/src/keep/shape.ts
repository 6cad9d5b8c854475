// What is kept, and how much of it. The whole of the content hangs together: the pages hold all that happened in
// their rooms up to the cursor, and may hold more, for what is told twice is taken once.

import type { Post } from "../store/outbox.ts";
import type { Member, Message, Room, User } from "../wire/types.ts";

export const version = 1;

export const most = {
  rooms: 50, // of which a page is kept
  messages: 200, // of a room
  roomBytes: 512 << 10,
  bytes: 8 << 20,
  users: 1000,
};

/** The newest messages of a room, without a gap. */
export interface KeptPage {
  room: string;
  from: string; // where the stretch begins: an id, or the beginning
  messages: Message[];
}

/** What a page weighs, and when it was last of use (milliseconds). */
export interface Weight {
  room: string;
  bytes: number;
  used: number;
}

export interface KeptPost extends Post {
  at: string;
  seq: number; // the order in which they were written
  failed?: string;
}

export interface KeptDraft {
  room: string;
  text: string;
}

/** What a start needs at once: one record. */
export interface Overview {
  turn: number; // counts writes: who finds another number than the one left knows that somebody else wrote
  cursor: string;
  open: string; // the room that was shown
  rooms: Room[];
  users: User[];
  direct: [room: string, members: Member[]][]; // direct rooms are called by their members
  pages: Weight[];
}

export interface Start {
  overview: Overview | null;
  page: KeptPage | null; // of the room to be shown
  posts: KeptPost[];
  drafts: KeptDraft[];
}

export const databaseOf = (user: string): string => `klatch ${user}`;
