const first = 500;
const longest = 30_000;

/** How long to wait before attempt n (from 0): doubling, with half of it jitter so that a
 * restarted node is not met by all its clients at once. */
export function backoff(attempt: number, random: () => number = Math.random): number {
  const most = Math.min(longest, first * 2 ** Math.min(attempt, 16));
  return most * (0.5 + random() / 2);
}
