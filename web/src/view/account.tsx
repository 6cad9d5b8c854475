// The pages of those who are not signed in.

import { words } from "../words/words.ts";
import { useChat } from "./context.ts";
import { Form, type Field } from "./form.tsx";
import { Logo } from "./icon.tsx";
import { goTo, home, registering } from "./route.ts";

const username: Field = { name: "username", label: words.username, autocomplete: "username", required: true };

export function SignIn() {
  const chat = useChat();
  const fields: Field[] = [
    username,
    { name: "password", label: words.password, type: "password", autocomplete: "current-password", required: true },
  ];
  return (
    <Account title={words.signIn} intro={words.signInIntro} question={words.newHere} href={registering} link={words.makeAccount}>
      <Form fields={fields} submit={words.signIn} then={(v) => chat.login(v["username"]!.trim(), v["password"]!)} />
    </Account>
  );
}

export function Register({ invite }: { invite: string }) {
  const chat = useChat();
  const fields: Field[] = [
    { ...username, hint: words.usernameHint },
    { name: "display_name", label: words.displayName, autocomplete: "name" },
    { name: "password", label: words.password, type: "password", autocomplete: "new-password", required: true },
  ];
  const register = async (v: Record<string, string>): Promise<void> => {
    const name = v["display_name"]!.trim();
    await chat.register({
      username: v["username"]!.trim(),
      password: v["password"]!,
      ...(name ? { display_name: name } : {}),
      ...(invite ? { invite } : {}),
    });
    goTo(home);
  };
  return (
    <Account title={words.makeAccount} intro={invite ? words.invited : ""} question={words.haveOne} href={home} link={words.signIn}>
      <Form fields={fields} submit={words.makeMyAccount} then={register} />
    </Account>
  );
}

interface AccountProps {
  title: string;
  intro: string;
  question: string;
  href: string;
  link: string;
  children: preact.ComponentChildren;
}

function Account({ title, intro, question, href, link, children }: AccountProps) {
  return (
    <main class="account">
      <div class="card">
        <div class="brand">
          <Logo />
          <span>{words.name}</span>
        </div>
        <h1>{title}</h1>
        {intro && (
          <p class="intro" data-testid="intro">
            {intro}
          </p>
        )}
        {children}
        <p class="other">
          {question} <a href={href}>{link}</a>
        </p>
      </div>
    </main>
  );
}

/** Before it is known who is here. */
export function Starting() {
  return (
    <main class="account" aria-busy="true">
      <div class="starting">
        <Logo />
        <p class="hidden">{words.starting}</p>
      </div>
    </main>
  );
}

export function Unreachable() {
  const chat = useChat();
  return (
    <main class="account">
      <div class="card" role="alert">
        <div class="brand">
          <Logo />
          <span>{words.name}</span>
        </div>
        <p class="intro">{words.unreachable}</p>
        <button type="button" class="primary" onClick={() => void chat.restore()}>
          {words.tryAgain}
        </button>
      </div>
    </main>
  );
}
