// The settings of the user: a chunk of its own.

import { useSignal, type Signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { Chat } from "../chat/chat.ts";
import { reasonOf } from "../chat/reason.ts";
import { fullTime } from "../text/time.ts";
import { copyText } from "../view/copy.ts";
import { closeDialog, Dialog } from "../view/dialog.tsx";
import { Form, type Values } from "../view/form.tsx";
import { densities, density, notifying, notifyingText, theme, themes } from "../view/preferences.ts";
import { inviteLink } from "../view/route.ts";
import { api } from "../wire/api.ts";
import { words } from "../words/words.ts";
import { Sessions } from "./sessions.tsx";

export function Settings({ chat }: { chat: Chat }) {
  const me = chat.store.me.value;
  const passwords = useSignal(0); // a new one ends the other sessions
  if (!me) return null;
  const out = (): void => {
    closeDialog();
    void chat.logout().catch((e: unknown) => chat.report(reasonOf(e)));
  };
  return (
    <Dialog title={words.settings}>
      <Section title={words.profile}>
        <Profile chat={chat} name={me.display_name} />
      </Section>
      <Section title={words.appearance}>
        <Choice label={words.theme} name="theme" values={themes} names={words.themes} chosen={theme} />
        <Choice label={words.density} name="density" values={densities} names={words.densities} chosen={density} />
      </Section>
      <Section title={words.notifications}>
        <Notifications />
      </Section>
      <Section title={words.password}>
        <Password username={me.username} changed={() => passwords.value++} />
      </Section>
      <Section title={words.signedIn}>
        <Sessions key={passwords.value} />
      </Section>
      {me.role === "admin" && (
        <Section title={words.invites}>
          <Invites />
        </Section>
      )}
      <div class="section choices">
        <button type="button" onClick={out}>
          {words.signOut}
        </button>
      </div>
    </Dialog>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="section" aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {children}
    </section>
  );
}

/** A form that stays, and says when it is done. */
export function Saved({ children }: { children: (done: () => void) => ComponentChildren }) {
  const said = useSignal("");
  const done = (): void => void (said.value = words.saved);
  return (
    <div onInput={() => (said.value = "")}>
      {children(done)}
      <p class="saved" role="status">
        {said.value}
      </p>
    </div>
  );
}

function Profile({ chat, name }: { chat: Chat; name: string }) {
  const fields = [{ name: "display_name", label: words.nameShown, autocomplete: "name", value: name }];
  const save = async (v: Values): Promise<void> => {
    const user = await api.changeMe({ display_name: v["display_name"]!.trim() });
    chat.store.signedIn(user);
  };
  return <Saved>{(done) => <Form fields={fields} submit={words.save} then={(v) => save(v).then(done)} focus={false} />}</Saved>;
}

function Password({ username, changed }: { username: string; changed: () => void }) {
  const round = useSignal(0); // a form that is done begins anew, empty
  const fields = [
    { name: "current_password", label: words.currentPassword, type: "password" as const, autocomplete: "current-password", required: true },
    { name: "password", label: words.newPassword, type: "password" as const, autocomplete: "new-password", required: true, hint: words.passwordHint },
  ];
  const save = async (v: Values): Promise<void> => {
    await api.changeMe({ current_password: v["current_password"]!, password: v["password"]! });
    round.value++;
    changed();
  };
  return (
    <Saved>
      {(done) => (
        <>
          {/* Password managers want to know whose it is. */}
          <input hidden type="text" autocomplete="username" value={username} readOnly />
          <Form key={round.value} fields={fields} submit={words.changePassword} then={(v) => save(v).then(done)} focus={false} />
        </>
      )}
    </Saved>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  name: string;
  values: readonly T[];
  names: Record<T, string>;
  chosen: Signal<T>;
}

function Choice<T extends string>({ label, name, values, names, chosen }: ChoiceProps<T>) {
  return (
    <fieldset class="segments">
      <legend>{label}</legend>
      <div>
        {values.map((v) => (
          <label key={v}>
            <input type="radio" name={name} value={v} checked={chosen.value === v} onChange={() => (chosen.value = v)} />
            <span>{names[v]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Notifications() {
  const id = useId();
  const can = "Notification" in window;
  const blocked = useSignal(can && Notification.permission === "denied");
  const on = can && notifying.value === "on" && !blocked.value;
  const change = async (want: boolean): Promise<void> => {
    const allowed = want && (await Notification.requestPermission()) === "granted";
    blocked.value = Notification.permission === "denied";
    notifying.value = allowed ? "on" : "off";
  };
  const hint = !can ? words.notifyMissing : blocked.value ? words.notifyBlocked : words.notifyHint;
  return (
    <>
      <div class="field check">
        <input
          id={id}
          type="checkbox"
          checked={on}
          disabled={!can || blocked.value}
          aria-describedby={`${id}-hint`}
          onChange={(e) => {
            const want = e.currentTarget.checked;
            e.currentTarget.checked = on; // until it is allowed
            void change(want);
          }}
        />
        <label for={id}>{words.notify}</label>
        <span class="hint" id={`${id}-hint`}>
          {hint}
        </span>
      </div>
      <div class="field check">
        <input
          id={`${id}-text`}
          type="checkbox"
          checked={notifyingText.value === "on"}
          disabled={!on}
          onChange={(e) => (notifyingText.value = e.currentTarget.checked ? "on" : "off")}
        />
        <label for={`${id}-text`}>{words.notifyText}</label>
      </div>
    </>
  );
}

function Invites() {
  const id = useId();
  const made = useSignal<{ link: string; until: string } | null>(null);
  const said = useSignal("");
  const make = async (v: Values): Promise<void> => {
    const { invite, expires_at } = await api.invite(v["admin"] === "true");
    made.value = { link: inviteLink(invite), until: words.holdsUntil(fullTime(expires_at)) };
    said.value = "";
  };
  const copy = async (link: string): Promise<void> => {
    said.value = (await copyText(link)) ? words.linkCopied : words.notCopied;
  };
  const m = made.value;
  return (
    <>
      <p class="soft">{words.inviteText}</p>
      <Form fields={[{ name: "admin", label: words.inviteAdmin, type: "checkbox" }]} submit={words.makeInvite} then={make} focus={false} />
      {m && (
        <div class="field invite">
          <label for={id}>{words.inviteLink}</label>
          <div class="with-button">
            <input id={id} type="text" readOnly value={m.link} dir="ltr" data-testid="invite-link" onFocus={(e) => e.currentTarget.select()} />
            <button type="button" onClick={() => void copy(m.link)}>
              {words.copy}
            </button>
          </div>
          <span class="hint">{m.until}</span>
        </div>
      )}
      <p class="saved" role="status">
        {said.value}
      </p>
    </>
  );
}
