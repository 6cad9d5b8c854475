// Times as people say them.

import { memo } from "./memo.ts";

/** A format is made when it is first of use: each costs milliseconds, which a start has not. */
function format(options: Intl.DateTimeFormatOptions): () => Intl.DateTimeFormat {
  let made: Intl.DateTimeFormat | undefined;
  return () => (made ??= new Intl.DateTimeFormat(undefined, options));
}

const clock = format({ hour: "numeric", minute: "2-digit" });
const full = format({ dateStyle: "full", timeStyle: "short" });
const brief = format({ dateStyle: "medium", timeStyle: "short" });
const day = format({ weekday: "long", day: "numeric", month: "long" });
const dayOfYear = format({ day: "numeric", month: "long", year: "numeric" });

export const clockTime = memo((at) => clock().format(new Date(at)), 2000);

/** The hour and minute alone, for narrow places. */
export const shortTime = memo((at) => {
  const parts = clock().formatToParts(new Date(at)).map((p) => (p.type === "dayPeriod" ? "" : p.value));
  return parts.join("").trim();
}, 2000);

export const fullTime = memo((at) => full().format(new Date(at)), 2000);

/** The date and the time on one line. */
export const briefTime = memo((at) => brief().format(new Date(at)), 200);

/** Equal for times of one day, here. */
export const dayKey = memo((at) => new Date(at).toDateString(), 2000);

export type DayName = "today" | "yesterday" | { date: string };

export function dayName(at: string, now = new Date()): DayName {
  const date = new Date(at);
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return "today";
  if (date.toDateString() === yesterday.toDateString()) return "yesterday";
  return { date: (date.getFullYear() === now.getFullYear() ? day : dayOfYear)().format(date) };
}
