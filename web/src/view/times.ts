// What a row says of its time when it is pointed at. To format that for every row would cost a start more than to draw them.

import { fullTime, shortTime } from "../text/time.ts";

/** Fills in the times of a row. */
export function tellTimes(row: Element): void {
  for (const time of row.querySelectorAll<HTMLTimeElement>(".message time")) {
    if (!time.title) time.title = fullTime(time.dateTime);
    if (!time.firstChild) time.append(shortTime(time.dateTime));
  }
}
