// Message ids are ULIDs (github.com/ulid/spec): their first ten characters are the millisecond they were made in.

const digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** The first id that a message of this millisecond could have. */
export function firstIdAt(ms: number): string {
  let rest = Math.max(0, Math.floor(ms));
  let time = "";
  for (let i = 0; i < 10; i++) {
    time = digits[rest % 32]! + time;
    rest = Math.floor(rest / 32);
  }
  return time + "0".repeat(16);
}
