const paths = {
  hash: "M5 9h14M5 15h14M10 4 8 20M16 4l-2 16",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  plus: "M12 5v14M5 12h14",
  search: "M11 4a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM16 16l4 4",
  users: "M9 5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 0 1 0-7zM3 19.5c0-3 2.7-5 6-5s6 2 6 5M16 5.5a3.5 3.5 0 0 1 0 6.5M17.5 14.8c2.1.6 3.5 2.3 3.5 4.7",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20 4l-4 16-4-7zM12 13l8-9",
  smile: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17zM8.5 14.5c1.8 2.3 5.2 2.3 7 0M9 9.5v.5M15 9.5v.5",
  reply: "M10 6 4 12l6 6M4 12h9c4 0 6.5 2 7 6",
  pencil: "M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13M10.5 11v5.5M13.5 11v5.5",
  close: "M6 6l12 12M18 6 6 18",
  leave: "M14 4h5v16h-5M4 12h10M8 8l-4 4 4 4",
  down: "M12 5v14M6 13l6 6 6-6",
  clock: "M12 4a8 8 0 1 1 0 16 8 8 0 0 1 0-16zM12 8v4.5l3 2",
  up: "M12 19V5M6 11l6-6 6 6",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  calendar: "M5 6h14v13H5zM5 10h14M9 4v4M15 4v4",
  sliders: "M4 7h9M19 7h1M4 17h2M12 17h8M16 4.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM9 14.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 24 24" class={`icon icon-${name}`} aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}

interface IconButtonProps {
  name: IconName;
  label: string;
  onClick: () => void;
  expanded?: boolean;
  controls?: string;
}

/** A button that shows an icon only, and says what it does. */
export function IconButton({ name, label, onClick, expanded, controls }: IconButtonProps) {
  return (
    <button type="button" class="icon-button" title={label} aria-label={label} aria-expanded={expanded} aria-controls={controls} onClick={onClick}>
      <Icon name={name} />
    </button>
  );
}

/** A cup that is a speech bubble; the same as src/icon.svg. */
export function Logo() {
  return (
    <svg viewBox="0 0 32 32" class="logo" aria-hidden="true">
      <path class="cup" d="M5 9h18v2h2.5a4.5 4.5 0 0 1 0 9H22.2A7 7 0 0 1 16 24h-3l-5 4.5V23.4A7 7 0 0 1 5 17.5zM23 13.5v4h2.5a2 2 0 0 0 0-4z" />
      <path class="steam" d="M10 3.5v2.5M14 2.5v3.5M18 3.5v2.5" />
    </svg>
  );
}
