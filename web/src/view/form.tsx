import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { reasonOf, sentence } from "../chat/reason.ts";
import { ServerError } from "../wire/errors.ts";
import { words } from "../words/words.ts";

export interface Field {
  name: string;
  label: string;
  type?: "text" | "password" | "checkbox" | "date";
  max?: string;
  hint?: string;
  value?: string; // at first; of a checkbox "true" or "false"
  autocomplete?: string;
  required?: boolean;
}

export type Values = Record<string, string>;

interface FormProps {
  fields: readonly Field[];
  submit: string;
  then: (values: Values) => Promise<void>;
  focus?: boolean; // the first field is where one begins
}

interface Wrong {
  field: string | null; // null: the whole
  text: string;
}

/** Labelled fields, whose errors stand beside the field they are about. */
export function Form({ fields, submit, then, focus = true }: FormProps) {
  const form = useRef<HTMLFormElement>(null);
  const busy = useSignal(false);
  const wrong = useSignal<Wrong | null>(null);
  const inputOf = (name: string | undefined): HTMLInputElement | null =>
    form.current?.querySelector(`input[name="${name}"]`) ?? null;
  useEffect(() => {
    if (focus) inputOf(fields[0]?.name)?.focus();
  }, []);

  const fail = (w: Wrong): void => {
    wrong.value = w;
    if (w.field) inputOf(w.field)?.focus();
  };
  const send = async (): Promise<void> => {
    if (busy.peek()) return;
    wrong.value = null;
    const values: Values = {};
    for (const f of fields) {
      const input = inputOf(f.name)!;
      values[f.name] = f.type === "checkbox" ? String(input.checked) : input.value;
      if (f.required && !input.value.trim()) return fail({ field: f.name, text: words.fillIn });
    }
    busy.value = true;
    try {
      await then(values);
    } catch (e) {
      const about = e instanceof ServerError ? e.fields.find((x) => fields.some((f) => f.name === x.field)) : undefined;
      fail({ field: about?.field ?? null, text: sentence(reasonOf(e)) });
    } finally {
      busy.value = false;
    }
  };

  const w = wrong.value;
  return (
    <form
      ref={form}
      noValidate
      onSubmit={(e) => {
        e.preventDefault();
        void send();
      }}
    >
      {fields.map((f) => (
        <FieldView key={f.name} field={f} error={w?.field === f.name ? w.text : ""} />
      ))}
      <p class="form-error" role="alert" data-testid="form-error">
        {w && w.field === null ? w.text : ""}
      </p>
      <button type="submit" class="primary" disabled={busy.value}>
        {submit}
      </button>
    </form>
  );
}

function FieldView({ field: f, error }: { field: Field; error: string }) {
  const id = useId();
  const check = f.type === "checkbox";
  const label = <label for={id}>{f.label}</label>;
  return (
    <div class={check ? "field check" : "field"}>
      {check ? null : label}
      <input
        id={id}
        name={f.name}
        {...({ type: f.type ?? "text" } as { type: "text" })}
        {...(check ? { defaultChecked: f.value === "true" } : { defaultValue: f.value ?? "" })}
        max={f.max}
        required={f.required ?? false}
        autocomplete={f.autocomplete ?? "off"}
        autocapitalize="none"
        spellcheck={false}
        dir={check ? undefined : "auto"}
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-error ${id}-hint`}
      />
      {check ? label : null}
      <span class="hint" id={`${id}-hint`}>
        {f.hint}
      </span>
      <span class="field-error" id={`${id}-error`} data-testid={`error-${f.name}`}>
        {error}
      </span>
    </div>
  );
}
