// One dialog at a time, above everything.

import { signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { words } from "../words/words.ts";
import { Form, type Field, type Values } from "./form.tsx";
import { IconButton } from "./icon.tsx";

const shown = signal<VNode | null>(null);
let opener: Element | null = null;
let element: HTMLDialogElement | null = null;

export function openDialog(dialog: VNode): void {
  opener = document.activeElement;
  shown.value = dialog;
}

/** Closes it; who opened it has the focus again. */
export function closeDialog(): void {
  element?.close(); // now: all beneath it is inert, and takes no focus, as long as it is open
  shown.value = null;
  if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  opener = null;
}

export function DialogHost() {
  return shown.value;
}

export function Dialog({ title, children }: { title: string; children: ComponentChildren }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const d = ref.current!;
    element = d;
    if (!d.open) d.showModal();
    return () => {
      d.close();
      if (element === d) element = null;
    };
  }, []);
  return (
    <dialog
      ref={ref}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        closeDialog();
      }}
      onClick={(e) => {
        if (e.target === ref.current) closeDialog(); // the backdrop
      }}
    >
      <div class="dialog">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton name="close" label={words.close} onClick={closeDialog} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface FormDialogProps {
  title: string;
  fields: readonly Field[];
  submit: string;
  then: (v: Values) => Promise<void>;
}

/** A dialog around one form; it closes when the form is done. */
export function FormDialog({ title, fields, submit, then }: FormDialogProps) {
  const done = async (v: Values): Promise<void> => {
    await then(v);
    closeDialog();
  };
  return (
    <Dialog title={title}>
      <Form fields={fields} submit={submit} then={done} />
    </Dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: string;
  yes: string;
  then: () => void;
}

export function Confirm({ title, text, yes, then }: ConfirmProps) {
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => button.current?.focus(), []);
  const agree = (): void => {
    closeDialog();
    then();
  };
  return (
    <Dialog title={title}>
      <p>{text}</p>
      <div class="choices">
        <button type="button" onClick={closeDialog}>
          {words.cancel}
        </button>
        <button type="button" class="danger" ref={button} onClick={agree}>
          {yes}
        </button>
      </div>
    </Dialog>
  );
}
