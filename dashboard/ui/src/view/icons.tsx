// Line icons, 20 px, drawn for this page. Always beside a text or in a button with a name.
import type { JSX } from "preact";

const PATHS = {
  search: "M9 15A6 6 0 1 0 9 3a6 6 0 0 0 0 12ZM13.5 13.5 17 17",
  key: "M12.5 11.5a4 4 0 1 0-4-4c0 .5.1 1 .3 1.4L3 14.7V17h3v-2h2v-2h1.700l1.4-1.400c.4.2.9.3 1.4.3ZM13.5 6.500h.01",
  help: "M10 17.500a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 7.800a2.2 2.2 0 1 1 3.2 2c-.7.3-1 .8-1 1.500M10 14h.01",
  list: "M3 4.500h14v11H3zM8 4.500v11",
  panel: "M3 4.500h14v11H3zM12.5 4.500v11",
  sun: "M10 13.500a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.500M10 16.500V18M2 10h1.500M16.5 10H18M4.3 4.300l1.1 1.100M14.6 14.600l1.1 1.100M4.3 15.700l1.1-1.100M14.6 5.400l1.1-1.1",
  moon: "M16.5 11.800A6.8 6.8 0 0 1 8.2 3.500a6.8 6.8 0 1 0 8.3 8.300Z",
  auto: "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM10 3v14M10 6h4.500M10 10h7M10 14h4.5",
  down: "M10 4v12M5 11l5 5 5-5",
  back: "M16 10H4M9 5l-5 5 5 5",
  close: "M5 5l10 10M15 5 5 15",
  calendar: "M3.5 5h13v11.500h-13zM3.5 8.500h13M7 3v3.500M13 3v3.5",
  copy: "M7 7h9v9H7zM4 13V4h9",
  check: "M4.5 10.500l3.5 3.5 7.5-8",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  end: "M5 17V3.5M5 4.200h10l-2.5 3.400L15 11H5",
  people: "M7.5 9.500a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.500c0-3 2.5-4.5 5.5-4.500s5.5 1.5 5.5 4.500M13 9.300a2.6 2.6 0 1 0-.5-5.100M15 12.300c1.8.5 3 1.9 3 4.2",
  spark: "M10 3l1.7 4.300L16 9l-4.3 1.700L10 15l-1.7-4.300L4 9l4.3-1.700zM15.5 14v3M14 15.500h3",
  talk: "M3.5 4.500h13v9h-7L6 16.500v-3H3.500z",
  goto: "M7 13 14 6M8 6h6v6",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }): JSX.Element {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

export function Mark(): JSX.Element {
  return (
    <svg class="mark-logo" width="22" height="22" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <path d="M8 10.500h16M8 16h11M8 21.500h6" class="logo-lines" />
      <circle cx="22" cy="21.5" r="2.4" class="logo-dot" />
    </svg>
  );
}
