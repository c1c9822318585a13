// Dates and numbers as people of this browser's language write them.

const number = new Intl.NumberFormat();
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const dayShort = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });
const dayShortYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const dayLong = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
const dayYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat(undefined, { style: "narrow", numeric: "auto" });

export const count = (value: number): string => number.format(value);
export const timeOfDay = (iso: string): string => safe(iso, (date) => clock.format(date));
export const exact = (iso: string): string => safe(iso, (date) => full.format(date));

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

function safe(iso: string, format: (date: Date) => string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : format(date);
}

/** The local day of a moment, as a key. */
export function dayKey(iso: string): string {
  return safe(iso, (date) => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`);
}

const pad = (value: number): string => String(value).padStart(2, "0");

export function dayName(iso: string, now = new Date()): string {
  return safe(iso, (date) => {
    const days = Math.round((midnight(now) - midnight(date)) / 86_400_000);
    if (days === 0) return "Today";
    if (days === 1) return "Yesterday";
    return date.getFullYear() === now.getFullYear() ? dayLong.format(date) : dayYear.format(date);
  });
}

const midnight = (date: Date): number => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

/** `3m`, `2h`, `Tue, 3 Mar`, `3 Mar 2020`: as short as it can be said. */
export function short(iso: string, now = Date.now()): string {
  return safe(iso, (date) => {
    const seconds = (now - date.getTime()) / 1000;
    if (seconds < 0 || seconds >= 7 * 86_400) return dayOf(date, new Date(now));
    if (seconds < 60) return "now";
    if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
    return `${Math.floor(seconds / 86_400)}d`;
  });
}

/** A day without its time, with the year where it is not this one. */
const dayOf = (date: Date, now: Date): string =>
  (date.getFullYear() === now.getFullYear() ? dayShort : dayShortYear).format(date);

/** Both ends of a stretch of time: their hours within a day, else their days. */
export function ends(from: string, to: string, now = new Date()): [string, string] {
  if (dayKey(from) === dayKey(to)) return [timeOfDay(from), timeOfDay(to)];
  const day = (iso: string): string => safe(iso, (date) => dayOf(date, now));
  return [day(from), day(to)];
}

/** A moment of the past in a sentence: the time today, else the day and the time. */
export function moment(iso: string, now = new Date()): string {
  return safe(iso, (date) => {
    const time = clock.format(date);
    return midnight(date) === midnight(now) ? time : `${dayOf(date, now)}, ${time}`;
  });
}

/** A due date (`2026-03-06`, no time) against today: `Fri 6 Mar`, and whether it has passed. */
export function due(date: string, now = new Date()): { text: string; late: boolean; relative: string } {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(date);
  if (!match) return { text: date, late: false, relative: "" };
  const day = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]));
  const days = Math.round((midnight(day) - midnight(now)) / 86_400_000);
  return { text: dayOf(day, now), late: days < 0, relative: Math.abs(days) <= 13 ? ago.format(days, "day") : "" };
}

export function signed(score: number): string {
  return `${score > 0 ? "+" : score < 0 ? "−" : ""}${Math.abs(score).toFixed(2)}`;
}
