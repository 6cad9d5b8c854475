// Times as people say them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

export const clockTime = (at: string): string => clock.format(new Date(at));

/** The hour and minute alone, for narrow places. */
export const shortTime = (at: string): string =>
  clock
    .formatToParts(new Date(at))
    .map((p) => (p.type === "dayPeriod" ? "" : p.value))
    .join("")
    .trim();
export const fullTime = (at: string): string => full.format(new Date(at));

/** Equal for times of one day, here. */
export const dayKey = (at: string): string => new Date(at).toDateString();

export function dayName(at: string, now = new Date()): string {
  const date = new Date(at);
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  if (date.toDateString() === now.toDateString()) return "Today";
  if (date.toDateString() === yesterday.toDateString()) return "Yesterday";
  return (date.getFullYear() === now.getFullYear() ? day : dayOfYear).format(date);
}
