import { hueOf, initials } from "../text/initials.ts";
import type { Status } from "../wire/types.ts";

/** The initials of a name on a colour of the id's own. */
export function Avatar({ id, name }: { id: string; name: string }) {
  return (
    <span class={`avatar hue-${hueOf(id)}`} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function Dot({ status, label }: { status: Status; label?: string }) {
  return <span class={`dot ${status}`} data-status={status} role={label ? "img" : undefined} aria-label={label} />;
}
