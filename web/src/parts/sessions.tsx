// Where the user is signed in.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { reasonOf, sentence } from "../chat/reason.ts";
import { agentOf } from "../text/agent.ts";
import { briefTime } from "../text/time.ts";
import { api } from "../wire/api.ts";
import type { Session } from "../wire/types.ts";
import { words } from "../words/words.ts";

export function Sessions() {
  const list = useSignal<readonly Session[] | null>(null);
  const said = useSignal("");
  const error = useSignal("");
  const focus = useRef<HTMLUListElement>(null);
  const attempt = async (what: () => Promise<void>): Promise<void> => {
    error.value = said.value = "";
    try {
      await what();
    } catch (e) {
      error.value = sentence(reasonOf(e));
    }
  };
  const load = async (): Promise<void> => void (list.value = (await api.sessions()).items);
  const end = (revoke: () => Promise<void>): Promise<void> =>
    attempt(async () => {
      await revoke().finally(load);
      said.value = words.sessionsEnded;
      focus.current?.focus(); // the button that was pressed has gone
    });
  useEffect(() => void attempt(load), []);
  const others = list.value?.some((s) => !s.current);
  return (
    <>
      <p class="soft">{words.signedInText}</p>
      <ul class="browse" data-testid="sessions" tabIndex={-1} ref={focus}>
        {list.value?.map((s) => (
          <Row key={s.id} session={s} end={() => void end(() => api.endSession(s.id))} />
        ))}
      </ul>
      <p class="form-error" role="alert">
        {error.value}
      </p>
      {others && (
        <button type="button" onClick={() => void end(api.endOtherSessions)}>
          {words.endOthers}
        </button>
      )}
      <p class="saved" role="status">
        {said.value}
      </p>
    </>
  );
}

function Row({ session: s, end }: { session: Session; end: () => void }) {
  const name = words.agent(agentOf(s.agent));
  const when = briefTime(s.at);
  return (
    <li>
      <div class="about" title={s.agent}>
        <strong>
          <bdi>{name}</bdi>
        </strong>
        <span>{words.since(when)}</span>
      </div>
      {s.current ? (
        <span>{words.thisOne}</span>
      ) : (
        <button type="button" aria-label={words.endSession(name, when)} onClick={end}>
          {words.signOut}
        </button>
      )}
    </li>
  );
}
