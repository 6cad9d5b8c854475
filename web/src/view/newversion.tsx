import { reasonOf } from "../chat/reason.ts";
import { takeNewVersion } from "../keep/reload.ts";
import { words } from "../words/words.ts";
import { useChat } from "./context.ts";

/** Says that another build of the page is there. It comes when somebody asks for it, never by itself. */
export function NewVersion() {
  const chat = useChat();
  const there = chat.store.newVersion.value;
  const take = (): void => {
    chat.pause(); // what is being written is kept, and is there again
    takeNewVersion().catch((e: unknown) => chat.report(reasonOf(e)));
  };
  return (
    <div class={there ? "banner" : "banner quiet"} role="status" data-testid="new-version">
      {there && (
        <>
          <span>{words.newVersion}</span>
          <button type="button" onClick={take}>
            {words.reload}
          </button>
        </>
      )}
    </div>
  );
}
